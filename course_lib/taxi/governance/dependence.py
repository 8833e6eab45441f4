"""What a model makes of one thing: the same rides, all at 8 o'clock, then all at 9; all 2 miles long, then all 3.

dependence.partial(model, february, "hour")

Partial dependence (Friedman, 2001), asked for what a rider gives: every ride keeps the rest of what it is. The mean
hides how rides differ, so the quartiles of their answers stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import zones
from course_lib.taxi.feature_base import BOOKING_COLUMNS, zone_numbers
from course_lib.taxi.governance import asking
from course_lib.taxi.monitoring import slices

_PICKUP, _DROPOFF, _TIME = BOOKING_COLUMNS
#: By how many miles a drop-off zone may miss the distance that is asked about.
TOLERANCE_MILES = 0.5


def partial(
    model: Any,
    trips: pd.DataFrame,
    what: str,
    grid: Sequence[Any] | None = None,
    *,
    rides: int = 500,
    random_state: int = 0,
) -> pd.DataFrame:
    """The model's answers when every ride gets the same value of ``what``, one row for each value of ``grid``.

    ``what`` is one of WHAT: ``hour`` (0…23, on the same day), ``weekday`` (0 = Monday … 6, in the same week), ``pickup
    borough`` or ``dropoff borough`` (zones drawn as riders there choose them), ``distance`` (miles in a straight line:
    the drop-off zone that lies so far from the pickup, within TOLERANCE_MILES). At most ``rides`` of the trips are
    asked about, the same ones for each value.

    The index, named ``what``, holds the grid. ``minutes`` is the mean answer, ``low`` and ``high`` are the quartiles of
    the rides' own answers, ``rides`` how many could have that value (there may be no zone so far away); the others are
    left out, and a value that no ride can have is NaN.

    Raises UsageError for another ``what``, a grid of values that aren't any, or no trips; BadTrips; ModelFails.
    """
    if what not in WHAT:
        raise UsageError(f"There is no dependence on '{what}' to ask for. There is: {', '.join(WHAT)}.")
    usual, change = WHAT[what]
    known = asking.sample(trips, rides, random_state)[BOOKING_COLUMNS].dropna().reset_index(drop=True)
    if known.empty:
        raise UsageError("There are no rides with both zones and a time to ask about.")
    values = list(usual(trips) if grid is None else grid)
    if not values:
        raise UsageError(f"The grid is empty: name at least one {what} to ask about.")
    changed = [change(known, value, trips, np.random.default_rng(random_state)) for value in values]
    counts = [len(part) for part in changed]
    everything = pd.concat(changed, ignore_index=True)
    answers = asking.minutes(model, everything) if len(everything) else np.empty(0)
    rows = [_summary(part) for part in np.split(answers, np.cumsum(counts)[:-1])]
    return pd.DataFrame(rows, index=pd.Index(values, name=what), columns=["minutes", "low", "high", "rides"])


def _summary(answers: np.ndarray) -> dict[str, float]:
    if len(answers) == 0:
        return {"minutes": np.nan, "low": np.nan, "high": np.nan, "rides": 0}
    low, high = np.quantile(answers, [0.25, 0.75])
    return {"minutes": answers.mean(), "low": low, "high": high, "rides": len(answers)}


def _at_hour(known: pd.DataFrame, hour: Any, *_: Any) -> pd.DataFrame:
    shift = _whole(hour, 24, "An hour is a whole number from 0 to 23") - known[_TIME].dt.hour
    return known.assign(**{_TIME: known[_TIME] + pd.to_timedelta(shift, unit="h")})


def _on_weekday(known: pd.DataFrame, weekday: Any, *_: Any) -> pd.DataFrame:
    shift = _whole(weekday, 7, "A weekday is a whole number from 0 (Monday) to 6") - known[_TIME].dt.weekday
    return known.assign(**{_TIME: known[_TIME] + pd.to_timedelta(shift, unit="D")})


def _whole(value: Any, below: int, words: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < below:
        raise UsageError(f"{words}, not {value!r}.")
    return int(value)


def _in_borough(by: str, column: str) -> Callable[..., pd.DataFrame]:
    def change(known: pd.DataFrame, borough: Any, trips: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        there = trips[column].array[(slices.of(trips, by) == borough).to_numpy()]
        if len(there) == 0:
            raise UsageError(
                f"None of these trips has the {by} '{borough}'. They have: {', '.join(_boroughs(by)(trips))}."
            )
        return known.assign(**{column: there[rng.integers(0, len(there), len(known))]})

    return change


def _boroughs(by: str) -> Callable[[pd.DataFrame], list[str]]:
    return lambda trips: list(slices.of(trips, by).value_counts().index)


def _so_far(known: pd.DataFrame, miles: Any, *_: Any) -> pd.DataFrame:
    """The rides with the drop-off zone that lies nearest to ``miles`` away from their pickup, if any does."""
    if isinstance(miles, bool) or not isinstance(miles, int | float | np.number) or not 0 <= miles < np.inf:
        raise UsageError(f"A distance is a number of miles from 0 up, not {miles!r}.")
    places = zones.table()["lon"].dropna().index.to_numpy()
    starts, which = np.unique(zone_numbers(known[_PICKUP]), return_inverse=True)
    known_place = np.isin(starts, places)
    away = zones.distance_miles(
        np.repeat(np.where(known_place, starts, places[0]), len(places)), np.tile(places, len(starts))
    ).reshape(len(starts), len(places))
    off = np.abs(away - float(miles))
    nearest = off.argmin(axis=1)
    good = known_place & (off[np.arange(len(starts)), nearest] <= TOLERANCE_MILES)
    return known.assign(**{_DROPOFF: places[nearest][which]})[good[which]]


#: What can be asked for: the usual grid for some trips, and how rides get a value.
WHAT: dict[str, tuple[Callable[[pd.DataFrame], Sequence[Any]], Callable[..., pd.DataFrame]]] = {
    "hour": (lambda _trips: range(24), _at_hour),
    "weekday": (lambda _trips: range(7), _on_weekday),
    "pickup borough": (_boroughs("pickup borough"), _in_borough("pickup borough", _PICKUP)),
    "dropoff borough": (_boroughs("dropoff borough"), _in_borough("dropoff borough", _DROPOFF)),
    "distance": (lambda _trips: [1, 2, 3, 4, 5, 6, 8, 10], _so_far),
}
