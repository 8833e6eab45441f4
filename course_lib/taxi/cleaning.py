"""Which trips a model may learn from, and an account of every row that it may not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import months
from course_lib.taxi.zones import UNKNOWN_ZONES

#: Reasons in the order in which they are tried: a row is counted under the first that holds.
REASONS = ("out of month", "no positive duration", "too short", "too long", "unknown zone", "kept")


@dataclass(frozen=True)
class Cleaned:
    """Kept trips, with a column ``duration`` (minutes, float64), and the account of all rows.

    ``account`` is a Series of row counts with one entry for each of :data:`REASONS`, in that order;
    its sum is the number of rows that came in.
    """

    trips: pd.DataFrame
    account: pd.Series

    @property
    def kept_share(self) -> float:
        """Kept rows over all rows, 0…1; NaN when nothing came in."""
        total = int(self.account.sum())
        return float(self.account["kept"]) / total if total else float("nan")


def duration_minutes(trips: pd.DataFrame) -> pd.Series:
    """Minutes from pickup to drop-off as float64, aligned with ``trips``; NaN where a time is missing."""
    length = trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]
    return (length / pd.Timedelta(minutes=1)).astype("float64").rename("duration")


def clean(
    trips: pd.DataFrame,
    month: str | None = None,
    min_minutes: float = 1,
    max_minutes: float = 60,
    drop_unknown_zones: bool = False,
) -> Cleaned:
    """Keep the trips of ``min_minutes`` to ``max_minutes`` (both included) and count the others by reason.

    - With ``month`` (``2021-01``), rows whose pickup lies outside of it are dropped first: clocks that
      were never set put rows of 2008 or 2009 into every month.
    - Trips from or to zones 264 and 265 (no known place) are kept unless ``drop_unknown_zones``: riders
      book them too, and a service has to answer. Absurd metered distances are kept as well: they are
      wrong in one column that a booking-time model never sees.

    The input is not changed; kept rows keep their index labels and order. Raises UsageError if
    ``min_minutes`` exceeds ``max_minutes`` and MonthNotFound for a misspelt month.
    """
    if not min_minutes <= max_minutes:
        raise UsageError(f"min_minutes ({min_minutes}) must not exceed max_minutes ({max_minutes}).")
    minutes = duration_minutes(trips)
    reason = np.select(
        [
            _out_of_month(trips, month),
            ~(minutes.to_numpy() > 0),  # a missing time has no duration either
            minutes.to_numpy() < min_minutes,
            minutes.to_numpy() > max_minutes,
            _unknown_zone(trips) if drop_unknown_zones else np.zeros(len(trips), bool),
        ],
        range(len(REASONS) - 1),
        default=len(REASONS) - 1,
    )
    counts = np.bincount(reason, minlength=len(REASONS))
    account = pd.Series(counts, index=pd.Index(REASONS, name="reason"), name="rows", dtype="int64")
    kept = reason == len(REASONS) - 1
    return Cleaned(trips.loc[kept].assign(duration=minutes[kept]), account)


def _out_of_month(trips: pd.DataFrame, month: str | None) -> np.ndarray:
    if month is None:
        return np.zeros(len(trips), bool)
    wanted = months.parse(month)
    pickup = trips["lpep_pickup_datetime"]
    # a missing pickup is no evidence of another month: it is counted as having no duration
    return ((pickup < wanted.start) | (pickup >= wanted.end)).to_numpy()


def _unknown_zone(trips: pd.DataFrame) -> np.ndarray:
    return (trips["PULocationID"].isin(UNKNOWN_ZONES) | trips["DOLocationID"].isin(UNKNOWN_ZONES)).to_numpy()
