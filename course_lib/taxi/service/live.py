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
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from course_lib.errors import CourseError
from course_lib.taxi.service import logs
from course_lib.taxi.service.lastchampion import LastChampion
from course_lib.taxi.service.patience import TookTooLong, within
from course_lib.taxi.service.rollout import Plan
from course_lib.taxi.service.served import Served, serve, try_out

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
        self,
        registry: Registry,
        poll_seconds: float = POLL_SECONDS,
        try_seconds: float = TRY_SECONDS,
        last: LastChampion | None = None,
    ) -> None:
        self.registry, self.poll_seconds, self.try_seconds, self.last = registry, poll_seconds, try_seconds, last
        self.state = State()
        self._kept: Any = None  # the model that was given to ``last``
        self._recalled: Served | None = None  # a champion that did not come from the registry
        self._looked_back = False
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
                self.state = self._without_registry(logs.discreet(f"the registry can't be read: {error}"))
            else:
                if not self.state.registry_up:
                    _log.info("the registry can be read again")
                self.state = self._as_wanted(wanted)
            return self.state

    def _as_wanted(self, wanted: Wanted) -> State:
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
        if champion is not self._recalled:
            self._recalled, self._looked_back = None, False
            if champion is not None:
                self._keep(champion)
        return State(champion, challenger, wanted.rollout, tuple(problems))

    def _without_registry(self, problem: str) -> State:
        """What is loaded goes on answering; a process that has nothing takes the champion that was here last."""
        if self.state.registry_up:
            _log.warning("%s; what is loaded goes on answering", problem)
        if self.state.champion is None and not self._looked_back:
            self._looked_back = True  # once in each outage: what is of no use now is of none in two seconds
            self._recalled = self._recall()
        champion = self.state.champion or self._recalled
        if champion is not None and champion is self._recalled:
            problem += f"; version {champion.version}, the last champion here, answers meanwhile"
        return replace(self.state, champion=champion, problems=(problem,), registry_up=False)

    def _keep(self, champion: Served) -> None:
        if self.last is not None and champion.model is not self._kept:
            self._kept = champion.model  # whether it could be or not: not tried again every two seconds
            self.last.keep(champion.name, champion.version, champion.model)

    def _recall(self) -> Served | None:
        found = self.last.recall(self.registry.name) if self.last is not None else None
        if found is None:
            return None
        try:
            return within(self.try_seconds, lambda: _ready(self.registry.name, found[0], "champion", found[1]), "it")
        except Exception as error:
            _log.warning("the last champion, version %d, is of no use: %s", found[0], logs.told(error))
            return None

    def _served(
        self, version: int | None, role: Literal["champion", "challenger"], fallback: Served | None, problems: list[str]
    ) -> Served | None:
        """This version, loaded if need be and tried; else ``fallback``, with the reason among the problems."""
        if version is None:
            return fallback
        for known in (self.state.champion, self.state.challenger):
            # the same number may be another model by now: what was recalled is loaded anew
            if known is not None and known is not self._recalled and known.version == version:
                return replace(known, role=role)
        before = self._refused.get(version)
        if before is None or before.again_at <= time.monotonic():
            try:
                served = within(
                    self.try_seconds,
                    lambda: _ready(self.registry.name, version, role, self.registry.load(version)),
                    "loading it and six rides",
                )
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

    def _watch(self) -> None:
        while not self._stop.wait(self.poll_seconds):
            try:
                self.refresh()
            except Exception as error:  # a mistake of ours must not end the watch: nobody would ever notice
                _log.exception("the registry was looked at in vain")
                self.state = replace(self.state, problems=(f"models are not watched: {logs.told(error)}",))


def _ready(name: str, version: int, role: Literal["champion", "challenger"], model: Any) -> Served:
    """Compiled if it can be, and tried. Raises what the model raises, and CourseError for impossible answers."""
    served = serve(name, version, role, model)
    try_out(served)
    return served
