"""The models that answer now: loaded once from the registry, and replaced while requests go on.

A background thread looks for another champion, challenger or roll-out every few seconds. What it finds is loaded and
tried first; then one reference is exchanged, so that every request sees the old state or the new one, whole. A model
that doesn't load, or answers nonsense, never takes over: the old one stays, and the service says why. A model is also
compiled for single rides; if that form isn't equal to the pipeline, or there is none, the pipeline answers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

import numpy as np

from course_lib.errors import CourseError
from course_lib.taxi.service import logs
from course_lib.taxi.service.patience import TookTooLong, within
from course_lib.taxi.service.rollout import Plan
from course_lib.taxi.service.served import Served, serve

POLL_SECONDS = 2.0
RETRY_SECONDS = 60.0  # until a version that failed is tried again, twice as long each time: a disk may have been full
TRY_SECONDS = 60.0  # in which a model must be loaded, compiled and have answered its first rides
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What the registry says should be served: version numbers (None: no such alias) and the roll-out."""

    champion: int | None
    challenger: int | None = None
    rollout: Plan = field(default_factory=Plan)


class Registry(Protocol):
    """Where models come from."""

    name: str

    def wanted(self) -> Wanted:
        """What should be served now. Raises CourseError when the registry can't be reached."""

    def load(self, version: int) -> Any:
        """A fitted model with ``predict(trips) -> minutes``. Raises whatever loading raises."""


@dataclass(frozen=True)
class State:
    """Everything one request needs to know, unchanging."""

    champion: Served | None = None
    challenger: Served | None = None
    rollout: Plan = field(default_factory=Plan)
    problems: tuple[str, ...] = ()
    registry_up: bool = True

    @property
    def quick(self) -> bool:
        """Whether single rides are answered in microseconds, by whichever model."""
        loaded = [one for one in (self.champion, self.challenger) if one is not None]
        return all(one.compiled is not None for one in loaded)


@dataclass(frozen=True)
class _Refused:
    """Why a version is not served, and when (monotonic seconds) it is tried again after so long a ``pause``."""

    why: str
    pause: float
    again_at: float


class LiveModels:
    """Keeps ``state`` in step with a registry."""

    def __init__(
        self, registry: Registry, poll_seconds: float = POLL_SECONDS, try_seconds: float = TRY_SECONDS
    ) -> None:
        self.registry, self.poll_seconds, self.try_seconds = registry, poll_seconds, try_seconds
        self.state = State()
        self._refused: dict[int, _Refused] = {}  # versions that were tried and failed
        self._refreshing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> LiveModels:
        """Load what there is, then keep watching in the background."""
        self.refresh()
        self._thread = threading.Thread(target=self._watch, name="live-models", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the background thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def refresh(self) -> State:
        """Look once, load what is new, exchange the state; returns it. Never raises: problems are part of the state."""
        with self._refreshing:
            try:
                wanted = self.registry.wanted()
            except CourseError as error:
                problem = logs.discreet(f"the registry can't be read: {error}")
                if self.state.registry_up:
                    _log.warning("%s; what is loaded goes on answering", problem)
                self.state = replace(self.state, problems=(problem,), registry_up=False)
                return self.state
            if not self.state.registry_up:
                _log.info("the registry can be read again")
            problems: list[str] = []
            champion = self._served(wanted.champion, "champion", self.state.champion, problems)
            challenger = None
            if wanted.rollout.mode != "off":
                if wanted.challenger is None:
                    problems.append(f"the roll-out is {wanted.rollout}, but no version is the challenger")
                else:
                    challenger = self._served(wanted.challenger, "challenger", None, problems)
            problems += [
                f"version {one.version} answers by its pipeline, slowly: {one.unequal}"
                for one in (champion, challenger)
                if one is not None and one.unequal
            ]
            if champion is None and wanted.champion is None:
                problems.insert(0, f"no version of {self.registry.name} is the champion yet")
            elif wanted.champion is None:
                problems.insert(0, f"no version is the champion any more; version {champion.version} goes on answering")
            self.state = State(champion, challenger, wanted.rollout, tuple(problems))
            return self.state

    def _served(
        self, version: int | None, role: Literal["champion", "challenger"], fallback: Served | None, problems: list[str]
    ) -> Served | None:
        """This version, loaded if need be and tried; else ``fallback``, with the reason among the problems."""
        if version is None:
            return fallback
        for known in (self.state.champion, self.state.challenger):
            if known is not None and known.version == version:
                return replace(known, role=role)
        before = self._refused.get(version)
        if before is None or before.again_at <= time.monotonic():
            try:
                served = within(self.try_seconds, lambda: self._loaded(version, role), "loading it and six rides")
            except Exception as error:  # whatever a model does when it is loaded, the service goes on
                again = RETRY_SECONDS if before is None else before.pause * 2
                # what hangs would hang again, and each time keep a thread
                pause = float("inf") if isinstance(error, TookTooLong) else again
                self._refused[version] = _Refused(logs.told(error), pause, time.monotonic() + pause)
                _log.error("version %d of %s is not served: %s", version, self.registry.name, logs.told(error))
            else:
                self._refused.pop(version, None)
                _log.info("version %d of %s is now %s", version, self.registry.name, role)
                return served
        stays = f"; version {fallback.version} goes on answering" if fallback else ""
        problems.append(f"version {version}, the {role}, can't be served: {self._refused[version].why}{stays}")
        return fallback

    def _loaded(self, version: int, role: Literal["champion", "challenger"]) -> Served:
        served = serve(self.registry.name, version, role, self.registry.load(version))
        _try_out(served)
        return served

    def _watch(self) -> None:
        while not self._stop.wait(self.poll_seconds):
            try:
                self.refresh()
            except Exception as error:  # a mistake of ours must not end the watch: nobody would ever notice
                _log.exception("the registry was looked at in vain")
                self.state = replace(self.state, problems=(f"models are not watched: {logs.told(error)}",))


def _try_out(served: Served, check: Callable[[np.ndarray], np.ndarray] = np.isfinite) -> None:
    """Ask for a few rides across the city, day and night, as requests will: answers must be possible minutes."""
    pickups, dropoffs = [7, 132, 41, 95, 244, 1], [138, 230, 42, 28, 119, 186]
    times = [datetime(2021, 1, 4, 3, 10), datetime(2021, 1, 5, 8, 30), datetime(2021, 2, 6, 17, 45)] * 2
    bookings = list(zip(pickups, dropoffs, times, strict=True))
    for minutes in (served.by_pipeline(bookings), np.array(served.minutes(bookings))):
        if minutes.shape != (len(bookings),) or not check(minutes).all() or not (minutes < 24 * 60).all():
            raise CourseError(
                f"asked for {len(bookings)} ordinary rides, it answered {np.array2string(minutes, threshold=6)}"
            )
