"""Who does the work of training on years: this process, or a cluster."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from course_lib.errors import CourseError
from course_lib.taxi import storage
from course_lib.taxi.years import slices

Say = Callable[[str], None]


class Here:
    """This process does it all, one thing after the other."""

    def __init__(self, say: Say) -> None:
        self.say = say

    def cut(
        self, names: Sequence[str], place: storage.Place, source: str, rows: int | None, seed: int
    ) -> list[slices.Sliced]:
        """Months cut, in order."""
        made = []
        for number, month in enumerate(names, 1):
            made.append(slices.cut(month, place, source=source, rows=rows, seed=seed))
            self.say(_cut_line(made[-1], number, len(names)))
        return made

    def one(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """What ``function`` returns."""
        self.say(f"fitting {what}")
        told = {"progress": self._moved} if function.__name__ == "grow" else {}
        return function(*arguments, **told)

    def _moved(self, done: int, parts: int) -> None:
        if parts > 1:
            self.say(f"trees grown on part {done} of {parts}")


class OnCluster:
    """Workers do it: months side by side, each fit on one of them."""

    def __init__(self, client: Any, sign: Any, say: Say) -> None:
        self.client, self.sign, self.say = client, sign, say

    def cut(
        self, names: Sequence[str], place: storage.Place, source: str, rows: int | None, seed: int
    ) -> list[slices.Sliced]:
        """Months cut, in order. Raises CourseError when any can't be: a model of fewer months is another model."""
        from course_lib.taxi import cluster

        work = functools.partial(slices.cut, place=place, source=source, rows=rows, seed=seed)
        tasks = {f"cut-{month}": (self.sign.checked, (work, month)) for month in names}
        made, wrong = {}, {}
        for name, outcome in cluster.answers(self.client, tasks):
            month = name.removeprefix("cut-")
            if outcome.error:
                wrong[month] = outcome.error
                self.say(f"{month}: FAILED: {outcome.error}")
            else:
                made[month] = outcome.value
                self.say(_cut_line(outcome.value, len(made), len(names)))
        if wrong:
            raise CourseError("\n".join(f"{month}: {why}" for month, why in sorted(wrong.items())))
        return [made[month] for month in names]

    def one(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """What ``function`` returned on a worker. Raises CourseError."""
        from course_lib.taxi import cluster

        self.say(f"fitting {what} on the cluster")
        task = {what.replace(" ", "-"): (self.sign.checked, (function, *arguments))}
        ((_, outcome),) = cluster.answers(self.client, task)
        if outcome.error:
            raise CourseError(f"{what}: {outcome.error}")
        return outcome.value


@contextlib.contextmanager
def somewhere(scheduler: str | None, place: storage.Place, say: Say) -> Iterator[Here | OnCluster]:
    """This process, or the cluster at an address. Raises UsageError and ClusterLost."""
    if scheduler is None:
        yield Here(say)
        return
    from course_lib.taxi import cluster
    from course_lib.taxi.storage_sign import signed

    with cluster.cluster(cluster.check_address(scheduler)) as client, signed(place) as sign:
        yield OnCluster(client, sign, say)


def _cut_line(one: slices.Sliced, number: int, of: int) -> str:
    how = "cut" if one.fresh else "was cut before"
    return f"{one.month}: {one.rides:,} rides, {how} ({number} of {of})"
