"""Fitted parameters written as Python source, and compiled: a tree is nothing but nested questions.

    minutes = 17.03
    minutes += (0.4 if miles <= 2.5 else (1.9 if hour > 16.5 else 1.1))
    …

Python's compiler turns thousands of such questions into code that answers in some ten microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

_AT_ONCE = 25  # trees in one function: the compiler needs a hundred times the room of its source while it works


def sum_of_trees(
    trees: Sequence[np.ndarray], names: Sequence[str], arguments: Sequence[str], start: float
) -> Callable[..., float]:
    """A function of ``arguments`` (feature names): ``start`` plus what each tree says, added in their order.

    ``trees`` are node tables as HistGradientBoosting keeps them, one for each tree, splits by numbers only; their
    ``feature_idx`` counts in ``names``.
    """
    parts, given = [], ", ".join(arguments)
    for first in range(0, len(trees), _AT_ONCE):
        lines = [f"def part(minutes, {given}):"]
        lines += [f"    minutes += {tree_expression(nodes, names)}" for nodes in trees[first : first + _AT_ONCE]]
        parts.append(_compiled([*lines, "    return minutes"], "part"))

    def answer(*values: float) -> float:
        minutes = start
        for part in parts:
            minutes = part(minutes, *values)
        return minutes

    return answer


def tree_expression(nodes: np.ndarray, names: Sequence[str], at: int = 0) -> str:
    """One tree, from node ``at`` down, as an expression.

    A missing value (NaN) is neither above nor below any threshold, so the question is asked such that its "no" is the
    way which the tree sends missing values.
    """
    node = nodes[at]
    if node["is_leaf"]:
        return repr(float(node["value"]))
    name, threshold = names[node["feature_idx"]], _number(node["num_threshold"])
    low, high = (tree_expression(nodes, names, int(node[side])) for side in ("left", "right"))
    if node["missing_go_to_left"]:
        return f"({high} if {name} > {threshold} else {low})"
    return f"({low} if {name} <= {threshold} else {high})"


def weighted_sum(shares: Sequence[tuple[str, float, float]]) -> Callable[..., float]:
    """A function of a start and the clock: the start plus each (feature of time, weight, value when it is missing).

    The waves of the day and of the week are taken as features.TripTime takes them.
    """
    waves = {
        "hour_sin": "sin(tau * (hour / 24))",
        "hour_cos": "cos(tau * (hour / 24))",
        "week_sin": "sin(tau * (minute_of_week / 10080))",
        "week_cos": "cos(tau * (minute_of_week / 10080))",
    }
    known = "".join(f" + {weight!r} * {waves.get(name, name)}" for name, weight, _ in shares)
    missing = sum(weight * usual for _, weight, usual in shares)
    return _compiled(
        [
            "def answer(start, hour, weekday, minute_of_week):",
            f"    return start{known} if hour == hour else start + {missing!r}",
        ]
    )


@lru_cache(maxsize=1)
def holidays() -> frozenset[date]:
    """The days on which streets are as empty as on Sundays, as features.TripTime knows them."""
    from course_lib.taxi import features

    return frozenset(features.holidays().astype(object).tolist())


def _compiled(lines: list[str], name: str = "answer") -> Callable[..., Any]:
    space: dict[str, Any] = {"sin": math.sin, "cos": math.cos, "tau": math.tau}
    exec(compile("\n".join(lines) + "\n", "<compiled model>", "exec"), space)
    return space[name]


def _number(value: float) -> str:
    """As Python reads it; an infinite threshold asks whether the value is missing."""
    number = float(value)
    return repr(number) if math.isfinite(number) else ("1e999" if number > 0 else "-1e999")
