"""The trips: read, checked at the door, cleaned, and split by time."""

from pathlib import Path

import pandas as pd

from course_lib.taxi import cleaning, quarantine

MONTH = "2021-01"
TIMES = ["lpep_pickup_datetime", "lpep_dropoff_datetime"]
MAX_BAD_SHARE = 0.02


def read(path: str | Path) -> pd.DataFrame:
    """Trips as the file has them; only the times are times."""
    return pd.read_csv(path, parse_dates=TIMES)


def check(trips: pd.DataFrame) -> pd.DataFrame:
    """The trips that keep the contract; raises when columns are missing or too many rows break it."""
    return quarantine.split(trips, max_bad_share=MAX_BAD_SHARE, what="The trips").good


def clean(trips: pd.DataFrame, month: str | None = None) -> pd.DataFrame:
    """Trips of 1 to 60 minutes, with a column ``duration`` (minutes)."""
    return cleaning.clean(trips, month=month).trips


def split(trips: pd.DataFrame, days: int = 7) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clean trips of the month before, and of the last ``days`` days: a model is judged on what comes later."""
    cleaned = clean(trips, MONTH)
    pickup = cleaned["lpep_pickup_datetime"]
    start = (pickup.max() + pd.Timedelta(days=1)).normalize() - pd.Timedelta(days=days)
    return cleaned[pickup < start], cleaned[pickup >= start]
