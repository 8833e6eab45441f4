"""The pipeline of several months as one graph of tasks, for any of Dask's schedulers.

Within a month each step waits for the one before. Months don't wait for each other but for the last step: the registry
learns of them in order, whichever was trained first. A task never raises: it passes the month's result on, with the
failure in it, so that whoever waits for a month that failed still gets its turn.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from course_lib.errors import UsageError
from course_lib.taxi.months import parse
from course_lib.taxi.pipeline_run import Context, advance, context
from course_lib.taxi.pipeline_types import STEPS, MonthResult, Settings

if TYPE_CHECKING:
    from dask.delayed import Delayed

_KEY = re.compile(rf"({'|'.join(STEPS)})-(\d{{4}}-\d{{2}})")


def graph(
    months: Sequence[str],
    settings: Settings | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    tracking: str | os.PathLike[str] | None = None,
    force: bool = False,
) -> dict[str, Delayed]:
    """The last task of each month, by month; computing it gives a MonthResult.

    ``dask.compute(*graph(["2021-01", "2021-02"]).values(), scheduler="threads")`` runs both. The arguments are those of
    :func:`run_month`. Nothing runs and nothing is read before. Raises MonthNotFound, or UsageError without months.
    """
    about = context(settings, folder, tracking, force)
    names = sorted({str(parse(month)) for month in months})
    if not names:
        raise UsageError("A graph needs at least one month.")
    made = nodes(names, about)
    return {month: made[month, STEPS[-1]] for month in names}


def nodes(
    names: Sequence[str], about: Context, steps: Sequence[str] = STEPS, suffix: str = ""
) -> dict[tuple[str, str], Delayed]:
    """Every task by (month, step), for the months in order.

    ``suffix`` ends the tasks' names: a cluster takes tasks of one name for one task.
    """
    from dask.delayed import delayed

    task = delayed(advance, pure=False)
    made: dict[tuple[str, str], Delayed] = {}
    previous = None
    for month in names:
        so_far: MonthResult | Delayed = MonthResult(month)
        for step in steps:
            after = {"after": previous} if step == STEPS[-1] and previous is not None else {}
            so_far = made[month, step] = task(step, so_far, about, **after, dask_key_name=f"{step}-{month}{suffix}")
            if step == STEPS[-1]:
                previous = so_far
    return made


def edges(months: Sequence[str] | Mapping[str, Delayed]) -> list[tuple[str, str]]:
    """The graph's arrows as pairs of names, ``("ingest 2021-01", "validate 2021-01")``: who comes before whom.

    Takes months, or what :func:`graph` returned; the arrows are read from the tasks themselves.
    """
    from dask.base import collections_to_expr
    from dask.core import get_dependencies

    ends = months if isinstance(months, Mapping) else graph(months, Settings(source="simulated"))
    tasks = dict(collections_to_expr(list(ends.values())).__dask_graph__())
    found = {
        (_name(before), _name(task))
        for task in tasks
        for before in get_dependencies(tasks, task)
        if _name(before) and _name(task)
    }
    order = {name: place for place, name in enumerate(STEPS)}
    return sorted(found, key=lambda edge: [(name.split()[1], order[name.split()[0]]) for name in reversed(edge)])


def _name(key: object) -> str:
    """``ingest 2021-01`` for the task ``ingest-2021-01``; nothing for what is none of ours."""
    match = _KEY.match(str(key))
    return f"{match[1]} {match[2]}" if match else ""
