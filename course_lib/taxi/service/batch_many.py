"""Months scored one after the other here, or side by side on a cluster; one that fails stops no other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from course_lib.errors import CourseError
from course_lib.taxi import sources, storage
from course_lib.taxi.service.batch import Scored, score_month

#: Makes what hears (days done, days) of a month, or None.
Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None] | None]]


def score_here(
    months: Sequence[str],
    model: Any,
    version: int,
    folder: str | os.PathLike[str],
    *,
    source: str | None = None,
    rows: int | None = None,
    bar: Bar,
) -> Iterator[tuple[str, Scored | str]]:
    """Each month with what was scored, or with the reason why it wasn't; arguments as for batch.score_month."""
    for month in months:
        try:
            with bar(month) as progress:
                yield month, score_month(month, model, version, folder, source=source, rows=rows, progress=progress)
        except CourseError as error:
            yield month, str(error)


def score_on_cluster(
    months: Sequence[str],
    model: Any,
    version: int,
    folder: str | os.PathLike[str],
    *,
    scheduler: str,
    source: str | None = None,
    rows: int | None = None,
) -> Iterator[tuple[str, Scored | str]]:
    """The same on the cluster at the address ``scheduler``, in the order in which months get done.

    The model goes there once, as bytes. Workers must see ``folder`` (a shared disk, or a store's address) and
    ``source``. Raises UsageError, ClusterLost and OtherVersions before anything is scored.
    """
    import cloudpickle

    from course_lib.taxi import cluster
    from course_lib.taxi.storage_sign import signed

    place, origin, content = storage.at(folder), sources.chosen_name(source), cloudpickle.dumps(model)
    with cluster.cluster(cluster.check_address(scheduler)) as client, signed(place) as sign:
        # a task and not data that is sent: should the worker that holds it die, another one makes it again
        key = f"model-{hashlib.sha256(content).hexdigest()}"
        sent = client.submit(cloudpickle.loads, content, key=key)
        tasks = {
            f"score-{month}": (sign.checked, (score_for, month, sent, version, place.url, origin, rows))
            for month in months
        }
        for name, outcome in cluster.answers(client, tasks):
            yield name.removeprefix("score-"), outcome.value if outcome.error is None else outcome.error


def score_for(month: str, model: Any, version: int, folder: str, source: str, rows: int | None) -> Scored:
    """On a worker: :func:`batch.score_month` with its arguments in a row."""
    return score_month(month, model, version, folder, source=source, rows=rows)
