"""Error where it happens: by borough, by hour, by length. An average that holds can hide a borough that doesn't."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import zones
from course_lib.taxi.feature_base import BOOKING_COLUMNS, check_trips, straight_miles, zone_numbers
from course_lib.taxi.monitoring.performance import COLUMNS, MIN_RIDES, measure

_HOURS = {"night 0–6": 0, "morning 6–10": 6, "day 10–15": 10, "rush hour 15–19": 15, "evening 19–24": 19}
_MILES = {"within a zone": 0.0, "under 2 miles": 1e-9, "2 to 5 miles": 2.0, "over 5 miles": 5.0}
_NOWHERE = "not known"


def of(rides: pd.DataFrame, by: str) -> pd.Series:
    """The slice of each ride: ``pickup borough``, ``dropoff borough``, ``hours`` or ``length``.

    ``length`` is the straight line between the zones, since riders are promised a time before the meter runs.
    """
    check_trips(rides, BOOKING_COLUMNS)
    if by in ("pickup borough", "dropoff borough"):
        numbers = zone_numbers(rides[BOOKING_COLUMNS[0 if by.startswith("pickup") else 1]])
        found = zones.table()["borough"].reindex(numbers).fillna(_NOWHERE).replace("Unknown", _NOWHERE).to_numpy(str)
    elif by == "hours":
        found = _band(pd.DatetimeIndex(rides[BOOKING_COLUMNS[2]]).hour.to_numpy(np.float64), _HOURS)
    elif by == "length":
        found = _band(straight_miles(rides), _MILES)
    else:
        raise UsageError(f"There is no slice '{by}'. There are: {', '.join(SLICES)}.")
    return pd.Series(found, index=rides.index, name=by, dtype="str")


#: What :func:`of` knows.
SLICES = ("pickup borough", "dropoff borough", "hours", "length")


def by_slice(rides: pd.DataFrame, by: str, min_rides: int = MIN_RIDES) -> pd.DataFrame:
    """performance.measure for each slice, those with the most labels first; ``enough`` is False for too few rides."""
    parts = {name: measure(part, min_rides) for name, part in rides.groupby(of(rides, by), sort=True)}
    table = pd.DataFrame(list(parts.values()), index=pd.Index(parts, name=by, dtype="str"), columns=list(COLUMNS))
    return table.sort_values("n", ascending=False, kind="stable")


def _band(values: np.ndarray, bands: dict[str, float]) -> np.ndarray:
    names = np.array([*bands, _NOWHERE])
    number = np.searchsorted(list(bands.values()), values, side="right") - 1
    return names[np.where(np.isnan(values), len(bands), number)]
