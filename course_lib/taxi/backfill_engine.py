"""Who does a backfill's work: this process, its threads, processes of its own, or a cluster somewhere.

Whatever does it, months come back as results, never as exceptions. One that dies with its worker is given another; one
whose workers keep dying is tried once more alone, when the others are done, since it may have been a neighbour's fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.pipeline_graph import nodes
from course_lib.taxi.pipeline_run import Context, advance
from course_lib.taxi.pipeline_types import STEPS, MonthResult

if TYPE_CHECKING:
    from distributed import Client, Future

#: All that may run anywhere and at the same time; the registry has one writer, and that is the command itself.
PREPARING = STEPS[:-1]
#: Seconds without any worker after which a cluster is given up.
PATIENCE = 60.0
_LOOK = 0.05  # seconds between two looks at what is done
_ANSWER = 2.0  # seconds that a small result may take to come from a worker

Moved = Callable[[str, str, str], None]


class ClusterLost(CourseError):
    """The cluster can't be reached, or has nobody who works."""


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
    watch = _Watch(client, patience)
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
        time.sleep(_LOOK)


def _outcome(future: Future, month: str, step: str) -> tuple[MonthResult | None, bool]:
    """What a task that ended says (None when its workers died), and whether nothing more will come of its month.

    Raises TimeoutError when the answer doesn't come.
    """
    from distributed.scheduler import KilledWorker

    status = future.status  # read once: it can change at any moment
    if status == "finished":
        try:
            return future.result(timeout=_ANSWER), step == PREPARING[-1]
        except KilledWorker:
            return None, True
    if status == "error":
        error = future.exception(timeout=_ANSWER)
        if isinstance(error, KilledWorker):
            return None, True
        return MonthResult(month).failing(step, f"{type(error).__name__}: {error}"), True
    lost = "the connection to the cluster was lost; what is done stays done"
    return MonthResult(month).failing(step, lost), True


class _Watch:
    """Looks whether a cluster still has workers, now and then."""

    def __init__(self, client: Client, patience: float) -> None:
        self._client, self._patience = client, patience
        self._good = self._looked = time.monotonic()

    def trouble(self) -> str | None:
        """What is wrong if there has been nobody to work for too long."""
        now = time.monotonic()
        if now - self._looked < 1:
            return None
        self._looked = now
        if self._client.status == "running" and _workers(self._client):
            self._good = now
        if now - self._good < self._patience:
            return None
        return f"the cluster has had no worker for {self._patience:g} s; what is done stays done"


def _workers(client: Client) -> int:
    try:
        return len(client.scheduler_info(n_workers=-1)["workers"])
    except (OSError, KeyError, TimeoutError):
        return 0


@contextlib.contextmanager
def cluster(scheduler: str, jobs: int, patience: float = PATIENCE) -> Iterator[Client]:
    """A client of ``threads`` or ``processes`` of this machine (``jobs`` of them), or of the scheduler at an address.

    Raises UsageError for what is no address, and ClusterLost when nobody answers there or nobody works.
    """
    import dask
    from distributed import Client, LocalCluster

    quiet = {"distributed.admin.tick.limit": "1h", "distributed.worker.profile.enabled": False}
    # a worker holds no second task back: whose worker dies must not take a month along that had not begun
    quiet["distributed.scheduler.worker-saturation"] = 1.0
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silence())
        stack.enter_context(dask.config.set(quiet))
        options: dict[str, Any] = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
        if scheduler == "threads":
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(1))  # a thread for each month is enough for this machine
            options |= {"processes": False, "n_workers": 1, "threads_per_worker": jobs, "memory_limit": 0}
        elif scheduler == "processes":
            options |= {"processes": True, "n_workers": jobs, "threads_per_worker": 1}
        else:
            yield stack.enter_context(_connected(scheduler, patience))
            return
        yield stack.enter_context(Client(stack.enter_context(LocalCluster(**options))))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask from telling the terminal what the results tell anyway: that workers came, died and were replaced."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


@contextlib.contextmanager
def _connected(address: str, patience: float) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=min(patience, 10), set_as_default=False)
    except ValueError as error:
        raise UsageError(f"'{address}' is no address of a Dask scheduler, such as tcp://127.0.0.1:8786.") from error
    except (OSError, TimeoutError) as error:
        raise ClusterLost(f"No Dask scheduler answers at {address}. Is it running, and reachable from here?") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError as error:
            raise ClusterLost(
                f"The Dask scheduler at {address} has had no worker for {patience:g} s. "
                f"Start some: dask worker {address}"
            ) from error
        yield client
