"""Small made-up trips for tests that must not depend on a source of trips, and the way to real months."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_lib import paths
from course_lib.taxi import zones

PLACES = [7, 24, 41, 42, 43, 61, 65, 74, 75, 82, 97, 116, 130, 132, 166, 181, 223, 236, 244, 260]


def rides(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """``n`` clean trips in January 2021: 3 minutes, plus 4 a mile (6 from 15:00 to 19:00), plus noise.

    Beside what is known at booking they have ``duration``, ``trip_distance`` (1.3 times the straight line) and a fare.
    """
    rng = np.random.default_rng(seed)
    pickup, dropoff = rng.choice(PLACES, n), rng.choice(PLACES, n)
    start = pd.Timestamp("2021-01-04") + pd.to_timedelta(rng.integers(0, 25 * 1440, n), unit="min")
    miles = zones.distance_miles(pickup, dropoff)
    pace = np.where((start.hour >= 15) & (start.hour < 19), 6.0, 4.0)
    minutes = np.clip(3 + pace * miles + rng.normal(0, 1.5, n), 1, 60)
    return pd.DataFrame(
        {
            "PULocationID": pickup,
            "DOLocationID": dropoff,
            "lpep_pickup_datetime": start.as_unit("us"),
            "lpep_dropoff_datetime": (start + pd.to_timedelta(minutes, unit="min")).as_unit("us"),
            "trip_distance": (miles * 1.3 + 0.3).round(2),
            "fare_amount": (2.5 + minutes * 0.6).round(2),
            "duration": minutes,
        }
    )


def booked(pickup, dropoff, start) -> pd.DataFrame:
    """Trips as the app sends them."""
    times = pd.to_datetime(pd.Series(start))
    return pd.DataFrame({"PULocationID": pickup, "DOLocationID": dropoff, "lpep_pickup_datetime": times})


def real_folder() -> Path:
    """A folder of real TLC months (TAXI_REAL_DATA, or beside the project); skips the test where there is none."""
    named = os.environ.get("TAXI_REAL_DATA")
    folder = Path(named) if named else paths.project_root().parent / "shared" / "tlc"
    if not list(folder.glob("green_tripdata_*.parquet")):
        pytest.skip(f"no real TLC months in {folder}; TAXI_REAL_DATA names a folder of them")
    return folder
