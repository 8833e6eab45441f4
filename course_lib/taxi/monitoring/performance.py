"""How good promises were, window by window: with counts, with intervals, and beside the spread of what was to be told.

performance.over_time(joined.rides, "week")     # a row for each week
performance.by_slice(joined.rides, "pickup borough")

A falling RMSE can hide a worse model: when rides become alike, any guess errs less. RMSE ÷ standard deviation of the
durations (``ratio``) tells: it is 1 for a model no better than the window's mean, and R² = 1 − ratio².
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi.feature_base import BOOKING_COLUMNS

#: Windows of time, and pandas' names for them. Weeks begin on Monday.
WINDOWS = {"day": "D", "week": "W-SUN", "month": "M"}
#: Below so many labelled rides a window or slice gets its counts, and no figures.
MIN_RIDES = 100
COLUMNS = (
    *("predictions", "n", "enough", "rmse", "rmse_low", "rmse_high", "mae", "bias", "bias_low", "bias_high"),
    *("sd", "ratio", "ratio_low", "ratio_high", "r2"),
)


def measure(rides: pd.DataFrame, min_rides: int = MIN_RIDES) -> dict[str, float]:
    """The figures of COLUMNS for one set of rides with ``minutes`` (promised) and ``duration`` (NaN: no label yet).

    ``predictions`` counts all rides, ``n`` those with a label. ``rmse``, ``mae``, ``sd`` and ``bias`` (above 0:
    promised too long) are in minutes. All are NaN, and ``enough`` is False, for fewer than ``min_rides`` labels.

    ``…_low`` and ``…_high`` are 95 % intervals for what many more such rides would show. That of the bias is the t
    interval of a mean; that of the RMSE is the root of the t interval of the mean squared error (the delta method on
    its logarithm, so that it stays above 0); that of the ratio is the same with both parts taken from the same rides.
    They take rides as independent, which those of one snowstorm are not: they are too narrow rather than too wide.
    """
    if missing := [name for name in ("minutes", "duration") if name not in rides]:
        raise UsageError(f"The rides lack {', '.join(missing)}: take them from labels.join(predictions, labels).rides.")
    there = rides[rides["duration"].notna()]
    n = len(there)
    found = dict.fromkeys(COLUMNS, math.nan) | {"predictions": len(rides), "n": n, "enough": n >= max(2, min_rides)}
    if not found["enough"]:
        return found
    actual = there["duration"].to_numpy(np.float64)
    error = there["minutes"].to_numpy(np.float64) - actual
    squared, centred = error**2, (actual - actual.mean()) ** 2
    mse, variance = squared.mean(), centred.mean()
    half = _t(n) * error.std(ddof=1) / math.sqrt(n)
    found |= {"rmse": math.sqrt(mse), "mae": np.abs(error).mean(), "sd": math.sqrt(variance), "bias": error.mean()}
    found |= {"bias_low": found["bias"] - half, "bias_high": found["bias"] + half}
    found["rmse_low"], found["rmse_high"] = _around(found["rmse"], squared / mse if mse else squared)
    if variance:
        found |= {"ratio": math.sqrt(mse / variance), "r2": 1 - mse / variance}
        found["ratio_low"], found["ratio_high"] = _around(
            found["ratio"], (squared / mse if mse else squared) - centred / variance
        )
    return {name: value if name in ("predictions", "n", "enough") else float(value) for name, value in found.items()}


def _around(value: float, influence: np.ndarray) -> tuple[float, float]:
    """The interval around a root of means: ``influence`` is each ride's pull on the logarithm of its square."""
    half = _t(len(influence)) * influence.std(ddof=1) / math.sqrt(len(influence)) / 2
    return value * math.exp(-half), value * math.exp(half)


def _t(n: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, n - 1))


def windows(rides: pd.DataFrame, every: str = "week") -> Iterator[tuple[pd.Timestamp, pd.Timestamp, pd.DataFrame]]:
    """Start, end (the first moment after it) and rides of each window of pickup time that has rides, in order.

    Raises UsageError for a window that isn't of WINDOWS.
    """
    if every not in WINDOWS:
        raise UsageError(f"There is no window '{every}'. There are: {', '.join(WINDOWS)}.")
    periods = rides[BOOKING_COLUMNS[2]].dt.to_period(WINDOWS[every])
    for period, part in rides.groupby(periods, sort=True):
        yield period.start_time, (period + 1).start_time, part


def over_time(rides: pd.DataFrame, every: str = "week", min_rides: int = MIN_RIDES) -> pd.DataFrame:
    """:func:`measure` for each day, week or month of pickup that has rides: index ``start``, ``end``, and COLUMNS.

    A table without rows for no rides. Raises UsageError for an unknown window.
    """
    rows, starts = [], []
    for start, end, part in windows(rides, every):
        starts.append(start)
        rows.append({"end": end, **measure(part, min_rides)})
    index = pd.DatetimeIndex(starts, name="start")
    return pd.DataFrame(rows, index=index, columns=["end", *COLUMNS])
