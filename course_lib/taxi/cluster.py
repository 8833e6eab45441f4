"""Work of this wing on a cluster (see :mod:`course_lib.cluster`): workers must have what its results depend on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from course_lib import cluster as anywhere
from course_lib.cluster import ANSWER, LOOK, LOST, PATIENCE, ClusterLost, Outcome, Watch, check_address
from course_lib.taxi import cluster_versions

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ANSWER", "LOOK", "LOST", "PATIENCE", "ClusterLost", "Watch", "answers", "check_address", "cluster"]


def answers(
    client: Client, tasks: Mapping[str, tuple[Callable[..., Any], tuple[Any, ...]]], patience: float | None = None
) -> Iterator[tuple[str, Outcome]]:
    """Run every task, a function and its arguments by name, and give each outcome as it comes, in any order."""
    return anywhere.answers(client, tasks, patience, versions=cluster_versions.versions)


@contextlib.contextmanager
def cluster(scheduler: str, jobs: int = 1, patience: float = PATIENCE) -> Iterator[Client]:
    """A client of ``threads`` or ``processes`` of this machine (``jobs`` of them), or of the scheduler at an address.

    Raises UsageError, ClusterLost, and OtherVersions when a worker has not what this process has.
    """
    with anywhere.cluster(scheduler, jobs, patience, versions=cluster_versions.versions) as client:
        yield client
