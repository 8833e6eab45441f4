"""A few made-up trips that every test may change."""

import numpy as np
import pandas as pd
import pytest

from course_lib.taxi import trips as source


@pytest.fixture(scope="session")
def month():
    return source.load("2021-01", source="simulated", rows=600)


@pytest.fixture
def trips(month) -> pd.DataFrame:
    return month.copy()


@pytest.fixture
def rides() -> pd.DataFrame:
    """A short ride, a long one, and the long one at night."""
    times = pd.to_datetime(["2021-01-20 17:00", "2021-01-20 17:00", "2021-01-20 03:00"])
    zones = np.array([[74, 75], [74, 132], [74, 132]])
    return pd.DataFrame({"PULocationID": zones[:, 0], "DOLocationID": zones[:, 1], "lpep_pickup_datetime": times})
