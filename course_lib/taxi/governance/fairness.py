"""Who gets the worse answers: error by borough and by hour, with counts, and intervals that don't promise too much.

rides = february.assign(minutes=model.predict(february))
fairness.error_by(rides, "pickup borough")
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi.feature_base import BOOKING_COLUMNS, check_trips
from course_lib.taxi.monitoring import slices

#: What error_by knows. ``hours`` are bands of hours, ``length`` bands of straight miles.
SLICES = ("pickup borough", "dropoff borough", "hour", "hours", "length")
COLUMNS = ("n", "enough", "rmse", "rmse_low", "rmse_high", "bias", "bias_low", "bias_high", "within_5")
#: What the bootstrap draws: single rides, or whole days.
UNITS = ("rides", "days")
#: Below so many days nothing can be said about how days differ.
MIN_DAYS = 5
_INTERVAL = [0.025, 0.975]
_AT_ONCE = 4_000_000  # drawn numbers held in memory


def error_by(
    rides: pd.DataFrame,
    by: str,
    min_rides: int = 100,
    *,
    resample: str = "rides",
    repeats: int = 500,
    random_state: int = 0,
) -> pd.DataFrame:
    """A row for each slice: how many rides, whether they are ``enough``, and how wrong their promises were.

    ``rides`` have the booking columns, ``minutes`` (promised) and ``duration`` (NaN: not known yet, not counted).
    ``by`` is one of SLICES. Boroughs come with the most rides first, hours (0…23) in order. ``rmse`` and ``bias``
    (above 0: promised too long) are in minutes, ``within_5`` is a share; all are NaN below ``min_rides`` rides.

    ``…_low`` and ``…_high`` hold the middle 95 % of ``repeats`` bootstrap samples (Efron's percentile interval).
    ``resample="rides"`` draws single rides, as if each were news of its own. ``"days"`` draws whole days: rides of one
    snowstorm belong together, and the interval is mostly wider; it is NaN for slices with fewer than MIN_DAYS days.

    Raises BadTrips for missing columns, UsageError for another ``by`` or ``resample``, or no ride with a duration.
    """
    there = _checked(rides, by, resample, repeats)
    found = there[BOOKING_COLUMNS[2]].dt.hour.astype("Int64").rename(by) if by == "hour" else slices.of(there, by)
    parts = dict(list(there.groupby(found, sort=True)))
    rng = np.random.default_rng(random_state)
    rows = [_measure(part, min_rides, resample, repeats, rng) for part in parts.values()]
    table = pd.DataFrame(rows, index=pd.Index(list(parts), name=by), columns=list(COLUMNS))
    return table if by == "hour" else table.sort_values("n", ascending=False, kind="stable")


def overall(
    rides: pd.DataFrame, min_rides: int = 100, *, resample: str = "rides", repeats: int = 500, random_state: int = 0
) -> pd.Series:
    """The figures of :func:`error_by` for all rides at once: what slices are held against."""
    there = _checked(rides, SLICES[0], resample, repeats)
    row = _measure(there, min_rides, resample, repeats, np.random.default_rng(random_state))
    return pd.Series(row, name="all rides")


def slice_name(by: str, name: object) -> str:
    """A slice in words: "from Queens", "8:00"; its own name where that says it."""
    words = place_name(by, name)
    return f"{'from' if by.startswith('pickup') else 'to'} {words}" if "borough" in by else words


def place_name(by: str, name: object) -> str:
    """The same where it is said what it is of: "Queens", "8:00"."""
    if by == "hour":
        return f"{name}:00"
    return "no known place" if "borough" in by and name == "not known" else str(name)


def _checked(rides: pd.DataFrame, by: str, resample: str, repeats: int) -> pd.DataFrame:
    if by not in SLICES:
        raise UsageError(f"There is no slice '{by}'. There are: {', '.join(SLICES)}.")
    if resample not in UNITS:
        raise UsageError(f"The bootstrap draws {' or '.join(UNITS)}, not '{resample}'.")
    if repeats < 20:
        raise UsageError(f"{repeats} bootstrap samples are too few for a 95 % interval: take 20 at least.")
    check_trips(rides, [*BOOKING_COLUMNS, "minutes", "duration"])
    there = rides[rides["duration"].notna()]
    if there.empty:
        raise UsageError("There are no rides with a duration: nothing is known about errors yet.")
    if wrong := int((~np.isfinite(there["minutes"].to_numpy(np.float64, na_value=np.nan))).sum()):
        raise UsageError(f"The column 'minutes' has {wrong:,} missing or infinite predictions in {len(there):,} rides.")
    return there


def _measure(
    part: pd.DataFrame, min_rides: int, resample: str, repeats: int, rng: np.random.Generator
) -> dict[str, float]:
    n = len(part)
    row = dict.fromkeys(COLUMNS, math.nan) | {"n": n, "enough": n >= max(2, min_rides)}
    if not row["enough"]:
        return row
    error = part["minutes"].to_numpy(np.float64) - part["duration"].to_numpy(np.float64)
    row |= {"rmse": math.sqrt((error**2).mean()), "bias": error.mean(), "within_5": (np.abs(error) <= 5).mean()}
    if resample == "rides":
        squares, means = _draw_rides(error, repeats, rng)
    else:
        day = part[BOOKING_COLUMNS[2]].dt.normalize()
        if day.nunique() < MIN_DAYS:
            return row
        squares, means = _draw_days(error, day, repeats, rng)
    for name, values in (("rmse", np.sqrt(squares)), ("bias", means)):
        row[f"{name}_low"], row[f"{name}_high"] = np.quantile(values, _INTERVAL)
    return row


def _draw_rides(error: np.ndarray, repeats: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared error and mean error of ``repeats`` samples of as many rides, drawn with replacement."""
    n, squares, means = len(error), [], []
    for count in _portions(repeats, max(1, _AT_ONCE // n)):
        drawn = error[rng.integers(0, n, (count, n), dtype=np.int32)]
        means.append(drawn.mean(axis=1))
        squares.append(np.einsum("ij,ij->i", drawn, drawn) / n)
    return np.concatenate(squares), np.concatenate(means)


def _draw_days(
    error: np.ndarray, day: pd.Series, repeats: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The same, drawing days with all their rides."""
    _, which = np.unique(day.to_numpy(), return_inverse=True)
    count, total, square = (np.bincount(which, weights) for weights in (None, error, error**2))
    drawn = rng.integers(0, len(count), (repeats, len(count)))
    rides = count[drawn].sum(axis=1)
    return square[drawn].sum(axis=1) / rides, total[drawn].sum(axis=1) / rides


def _portions(total: int, most: int) -> list[int]:
    return [min(most, total - start) for start in range(0, total, most)]
