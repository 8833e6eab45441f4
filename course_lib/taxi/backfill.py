"""Running months that are missing or stale: all at once, side by side, as often as it takes.

plan = backfill.plan("2021-01:2021-05")        # what would run, and why
result = backfill.run("2021-01:2021-05")       # runs it; again: nothing to do
result.failed                                  # {"2021-04": "…"}: the others are done

A run that was killed is resumed by the next one: a step counts as done when its manifest is written, and that is
written last. One run at a time works in a folder.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from course_lib.errors import UsageError
from course_lib.taxi import pipeline_files as files
from course_lib.taxi import storage, storage_lease
from course_lib.taxi.backfill_plan import Plan, Planned, make_plan, parse_months
from course_lib.taxi.pipeline_code import code_hash
from course_lib.taxi.pipeline_files import Busy
from course_lib.taxi.pipeline_run import SIGN, Context, advance, context
from course_lib.taxi.pipeline_types import STEPS, MonthResult, Settings

__all__ = ["BackfillResult", "Busy", "Plan", "Planned", "parse_months", "plan", "run"]

LOCK = ".backfill.lock"
#: Called with month, step and what happened (ran, unchanged, failed, skipped) after each step.
Progress = Callable[[str, str, str], None]


@dataclass(frozen=True)
class BackfillResult:
    """What became of each month, in order; ``seconds`` from the first look to the end."""

    months: list[MonthResult]
    plan: Plan
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether no month failed."""
        return not self.failed

    @property
    def failed(self) -> dict[str, str]:
        """Months that failed, with the step and the reason."""
        return {one.month: f"{one.failed_step}: {one.error}" for one in self.months if not one.ok}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "ran": self.plan.todo,
            "failed": self.failed,
            "months": [one.as_dict() for one in self.months],
        }


def plan(
    months: str | Sequence[str],
    settings: Settings | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    tracking: str | os.PathLike[str] | None = None,
    force: bool = False,
) -> Plan:
    """What :func:`run` would do with the same arguments, and why; changes nothing.

    A step whose inputs may change follows: it is looked at again when they are there, and left alone if they came
    out as before. Raises what parse_months raises.
    """
    return make_plan(parse_months(months), context(settings, folder, tracking, force))


def run(
    months: str | Sequence[str],
    settings: Settings | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    tracking: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    scheduler: str = "threads",
    force: bool = False,
    wait: float = 0,
    progress: Progress | None = None,
    planned: Callable[[Plan], None] | None = None,
) -> BackfillResult:
    """Run what is missing or stale of ``months`` (see parse_months), and return what became of each.

    ``folder`` and ``tracking`` as for pipeline.run_month. ``jobs`` months at a time (default: one per processor, at
    most 4): in ``threads`` of this process, which was measured to be no slower than ``processes`` and starts at once,
    or on the Dask cluster whose address ``scheduler`` is; all its workers must see ``folder``: a shared disk, or a
    store's address (``s3://bucket/state``). The registry is written
    by this process alone, month by month in order. ``force`` runs every step again. ``planned`` hears of the plan
    before anything runs, ``progress`` of each step.

    A month that fails doesn't stop the others: look at ``ok`` and ``failed``. Raises UsageError for wrong months or
    settings, Busy when another backfill holds the folder for longer than ``wait`` seconds, ClusterLost, OtherVersions
    and StorageError.
    """
    started = time.perf_counter()
    names = parse_months(months)
    about = context(settings, folder, tracking, force)
    _check_jobs(jobs, scheduler)
    with _alone(about, wait) as token:
        found = make_plan(names, about)
        if planned is not None:
            planned(found)
        results = dict(found.done)
        if found.todo:
            about.settings.check_model()
            about = dataclasses.replace(about, token=token, code={step: code_hash(step) for step in STEPS})
            done = _work(found.todo, about, jobs, scheduler, progress or (lambda *_: None))
            results |= {one.month: one for one in done}
    return BackfillResult([results[month] for month in names], found, time.perf_counter() - started)


def _work(todo: list[str], about: Context, jobs: int | None, scheduler: str, moved: Progress) -> Iterator[MonthResult]:
    """Months up to their score, by whoever does that, and registered here, in order, as soon as it is their turn."""
    from course_lib.taxi import backfill_engine as engine

    local = scheduler in ("threads", "processes")
    jobs = jobs or min(os.cpu_count() or 1, 4, len(todo))
    if local and jobs == 1 and scheduler == "threads":
        yield from _registered(todo, engine.in_this_process(todo, about, moved), about, moved)
        return
    with engine.cluster(scheduler, jobs) as client:
        yield from _registered(todo, engine.on_cluster(todo, about, moved, client), about, moved)


def _registered(
    todo: list[str], prepared: Iterator[MonthResult], about: Context, moved: Progress
) -> Iterator[MonthResult]:
    waiting: dict[str, MonthResult] = {}
    turn = iter(todo)
    month = next(turn, None)
    for result in prepared:
        waiting[result.month] = result
        while month in waiting:
            last = advance(STEPS[-1], waiting.pop(month), about)
            moved(last.month, STEPS[-1], last.did[STEPS[-1]])
            yield last
            month = next(turn, None)


def _check_jobs(jobs: int | None, scheduler: str) -> None:
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise UsageError(f"jobs must be a whole number of at least 1, not {jobs!r}.")
    if scheduler not in ("threads", "processes"):
        if "://" not in scheduler:
            raise UsageError(
                f"'{scheduler}' is no scheduler: it is threads, processes, or an address such as tcp://127.0.0.1:8786."
            )
        if jobs is not None:
            raise UsageError("A cluster has the workers it has: leave jobs out, or leave the scheduler's address out.")


@contextmanager
def _alone(about: Context, wait: float) -> Iterator[str]:
    """Hold the folder; gives a token that is written there, by which workers know that they see the same folder."""
    token, place = uuid.uuid4().hex, storage.at(about.store or about.folder)
    here = f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if about.store:
        who = f"{here} ({token})"
        held = storage_lease.held(place, LOCK, who, wait, lambda other: _busy(other.rpartition(" (")[0], place))
    else:
        held = files.alone(about.folder / LOCK, wait, lambda: _busy(_signed(place), place))
    with held:
        place.write(SIGN, f"{token}\n{here}\n".encode())
        place.sweep()
        yield token


def _signed(place: storage.Place) -> str:
    """Who says to be at work in the place; nothing where nobody does."""
    lines = (place.read(SIGN) or b"").decode(errors="replace").splitlines()
    return lines[1] if len(lines) > 1 else ""


def _busy(who: str, place: storage.Place) -> str:
    who = f" ({who})" if who else ""
    return (
        f"Another backfill{who} is at work in {place}. Wait for its end (--wait SECONDS does), or give this one "
        "a folder of its own."
    )
