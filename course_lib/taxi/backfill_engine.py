"""Who does a backfill's work: this process, its threads, processes of its own, or a cluster somewhere.

Whatever does it, months come back as results, never as exceptions. One that dies with its worker is given another; one
whose workers keep dying is tried once more alone, when the others are done, since it may have been a neighbour's fault.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from course_lib.taxi.cluster import ANSWER, LOOK, LOST, PATIENCE, ClusterLost, Watch, cluster
from course_lib.taxi.pipeline_graph import nodes
from course_lib.taxi.pipeline_run import Context, advance
from course_lib.taxi.pipeline_types import STEPS, MonthResult

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["ClusterLost", "cluster", "in_this_process", "on_cluster"]

#: All that may run anywhere and at the same time; the registry has one writer, and that is the command itself.
PREPARING = STEPS[:-1]

Moved = Callable[[str, str, str], None]


def in_this_process(names: Sequence[str], about: Context, moved: Moved) -> Iterator[MonthResult]:
    """The months one after the other; ``moved(month, step, did)`` is called after each step."""
    for month in names:
        result = MonthResult(month)
        for step in PREPARING:
            result = advance(step, result, about)
            moved(month, step, result.did[step])
        yield result


def on_cluster(
    names: Sequence[str], about: Context, moved: Moved, client: Client, patience: float = PATIENCE
) -> Iterator[MonthResult]:
    """The months as they get done, in any order."""
    dead: dict[str, str] = {}
    yield from _submitted(names, about, moved, client, patience, dead)
    for month, step in sorted(dead.items()):
        again: dict[str, str] = {}
        yield from _submitted([month], about, moved, client, patience, again)
        if again:
            moved(month, step, "failed")
            yield MonthResult(month).failing(
                again[month],
                "the worker process died each time it ran this step, also with nothing beside it. Too little memory "
                "is the usual reason: give each worker more, or run fewer at a time.",
            )


def _submitted(
    names: Sequence[str], about: Context, moved: Moved, client: Client, patience: float, dead: dict[str, str]
) -> Iterator[MonthResult]:
    """Results of months that ran to their end; ``dead`` gets month and step of those whose workers died."""
    tasks = nodes(names, about, PREPARING, suffix=f"-{uuid.uuid4().hex[:8]}")
    futures: list[Future] = client.compute(list(tasks.values()))
    pending = dict(zip(tasks, futures, strict=True))
    ended: set[str] = set()
    watch = Watch(client, patience)
    while pending:
        for (month, step), future in list(pending.items()):
            if future.status in ("pending", "lost"):  # lost: its worker died, and it is being made again
                continue
            if month in ended:
                del pending[month, step]
                continue
            try:
                outcome, final = _outcome(future, month, step)
            except (TimeoutError, asyncio.CancelledError):  # gone with its worker: it is being made again, or lost
                continue
            del pending[month, step]
            if final:
                ended.add(month)
            if outcome is None:
                dead[month] = step
                continue
            moved(month, step, outcome.did[step])
            if final:
                yield outcome
        if pending and (trouble := watch.trouble()):
            client.cancel(list(pending.values()), force=True)
            for month in sorted({month for month, _ in pending} - ended):
                step = next(step for name, step in pending if name == month)
                moved(month, step, "failed")
                yield MonthResult(month).failing(step, trouble)
            return
        time.sleep(LOOK)


def _outcome(future: Future, month: str, step: str) -> tuple[MonthResult | None, bool]:
    """What a task that ended says (None when its workers died), and whether nothing more will come of its month.

    Raises TimeoutError when the answer doesn't come.
    """
    from distributed.scheduler import KilledWorker

    status = future.status  # read once: it can change at any moment
    if status == "finished":
        try:
            return future.result(timeout=ANSWER), step == PREPARING[-1]
        except KilledWorker:
            return None, True
    if status == "error":
        error = future.exception(timeout=ANSWER)
        if isinstance(error, KilledWorker):
            return None, True
        return MonthResult(month).failing(step, f"{type(error).__name__}: {error}"), True
    return MonthResult(month).failing(step, LOST), True
