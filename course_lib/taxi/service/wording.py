"""Minutes as a rider reads them: no more exact than they are."""

from __future__ import annotations

import math


def about(minutes: float) -> str:
    """``about 10 minutes``: whole minutes up to 20, then steps of 5, from an hour on steps of 10; halves go up.

    The model is off by six minutes on an ordinary ride, so "37 minutes" would promise more than anybody knows.
    Less than a minute is "about 1 minute". Raises ValueError for what is no finite number of at least 0.
    """
    if not math.isfinite(minutes) or minutes < 0:
        raise ValueError(f"a ride takes a finite number of minutes, at least 0, not {minutes}")
    rounded = _to_step(minutes, 1)
    if rounded > 20:
        rounded = _to_step(minutes, 5)
    if rounded >= 60:
        rounded = _to_step(minutes, 10)
    hours, rest = divmod(max(rounded, 1), 60)
    parts = [f"{hours} hour{'s' * (hours > 1)}"] * (hours > 0) + [f"{rest} minute{'s' * (rest > 1)}"] * (rest > 0)
    return "about " + " ".join(parts)


def _to_step(minutes: float, step: int) -> int:
    return math.floor(minutes / step + 0.5) * step
