"""Work on a Dask cluster, or on threads and processes of this machine: one way to reach it, one way to ask it.

What results depend on at a worker is for those to say whose work it is: ``versions`` is their function for that.
Whatever happens over there comes back in words: nobody answers, nobody works, a worker has other versions or doesn't
see the same files, a worker dies, all of them are gone. A task whose worker dies is given to another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_lib import cluster_versions
from course_lib.cluster_versions import Versions
from course_lib.errors import CourseError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

#: Seconds without any worker after which a cluster is given up.
PATIENCE = 60.0
LOOK = 0.05  # seconds between two looks at what is done
ANSWER = 2.0  # seconds that a small result may take to come from a worker
_BIG_ANSWER = 60.0  # the same for a fitted model
DIED = (
    "the worker process died each time it ran this. Too little memory is the usual reason: give each worker more, or "
    "run fewer at a time."
)
LOST = "the connection to the cluster was lost; what is done stays done"


class ClusterLost(CourseError):
    """The cluster can't be reached, or has nobody who works."""


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its value, or why there is none."""

    value: Any = None
    error: str | None = None


def is_address(scheduler: str) -> bool:
    """Whether this names a cluster elsewhere, as ``tcp://host:8786``."""
    return "://" in scheduler


def check_address(scheduler: str) -> str:
    """The address as it is. Raises UsageError for what is none."""
    if not is_address(scheduler):
        raise UsageError(f"'{scheduler}' is no address of a Dask scheduler, such as tcp://127.0.0.1:8786.")
    return scheduler


def answers(
    client: Client,
    tasks: Mapping[str, tuple[Callable[..., Any], tuple[Any, ...]]],
    patience: float | None = None,
    *,
    versions: Versions,
) -> Iterator[tuple[str, Outcome]]:
    """Run every task, a function and its arguments by name, and give each outcome as it comes, in any order.

    Arguments may be futures of the same client. No task's trouble raises, and none is another's.
    """
    expected = cluster_versions.digest(versions)
    run = uuid.uuid4().hex[:8]
    pending: dict[str, Future] = {
        name: client.submit(guarded, versions, expected, function, *arguments, key=f"{name}-{run}", pure=False)
        for name, (function, arguments) in tasks.items()
    }
    watch = Watch(client, PATIENCE if patience is None else patience)
    while pending:
        for name, future in list(pending.items()):
            if future.status in ("pending", "lost"):  # lost: its worker died, and it is being made again
                continue
            try:
                outcome = _outcome(future)
            except (TimeoutError, asyncio.CancelledError):
                continue
            del pending[name]
            yield name, outcome
        if pending and (trouble := watch.trouble()):
            client.cancel(list(pending.values()), force=True)
            yield from ((name, Outcome(error=trouble)) for name in pending)
            return
        time.sleep(LOOK)


def guarded(versions: Versions, expected: str, function: Callable[..., Any], *arguments: Any) -> Outcome:
    """On the worker: call the function if versions are as expected; an exception becomes words."""
    from distributed import get_worker

    where = get_worker().address
    if cluster_versions.digest(versions) != expected:
        return Outcome(error=f"The worker {where} came later and has other versions. Install the same ones there.")
    try:
        return Outcome(function(*arguments))
    except Exception as error:
        words = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
        return Outcome(error=f"{words} (on the worker {where})")


def _outcome(future: Future) -> Outcome:
    from distributed.scheduler import KilledWorker

    status = future.status  # read once: it can change at any moment
    if status == "finished":
        return future.result(timeout=_BIG_ANSWER)
    if status == "error":
        error = future.exception(timeout=ANSWER)
        return Outcome(error=DIED if isinstance(error, KilledWorker) else f"{type(error).__name__}: {error}")
    return Outcome(error=LOST)


class Watch:
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
def cluster(
    scheduler: str, jobs: int = 1, patience: float = PATIENCE, *, versions: Versions | None = None
) -> Iterator[Client]:
    """A client of ``threads`` or ``processes`` of this machine (``jobs`` of them), or of the scheduler at an address.

    Raises UsageError for what is no address, ClusterLost when nobody answers there or nobody works, and
    cluster_versions.OtherVersions when a worker has not the ``versions`` that this process has (None: whoever works
    there is asked later).
    """
    import dask
    from distributed import Client, LocalCluster

    quiet = {"distributed.admin.tick.limit": "1h", "distributed.worker.profile.enabled": False}
    # a worker holds no second task back: whose worker dies must not take a month along that had not begun
    quiet["distributed.scheduler.worker-saturation"] = 1.0
    quiet["distributed.admin.large-graph-warning-threshold"] = "1GiB"  # what is handed in travels with its task
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
            yield stack.enter_context(_connected(scheduler, patience, versions))
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
def _connected(address: str, patience: float, versions: Versions | None) -> Iterator[Client]:
    import warnings

    from distributed import Client

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Mismatched versions")  # told below, as an error
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
        if versions is not None:
            cluster_versions.check(client, versions)
        yield client
