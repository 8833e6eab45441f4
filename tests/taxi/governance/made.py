"""What the tests of governance share: rides of two months, and models whose answers are known without training."""

import numpy as np
import pandas as pd

from course_lib.taxi import zones
from tests.taxi.samples import rides

COLUMNS = ["PULocationID", "DOLocationID", "lpep_pickup_datetime"]


def february(n=600, seed=1):
    """Rides like samples.rides, four weeks later."""
    later = rides(n, seed)
    shift = pd.Timedelta(days=28)
    return later.assign(**{name: later[name] + shift for name in ("lpep_pickup_datetime", "lpep_dropoff_datetime")})


class Formula:
    """Answers from a formula of pickup zone, drop-off zone and hour."""

    def __init__(self, formula):
        self.formula = formula

    def predict(self, trips):
        hour = trips["lpep_pickup_datetime"].dt.hour.to_numpy()
        return self.formula(trips["PULocationID"].to_numpy(), trips["DOLocationID"].to_numpy(), hour)


class Broken:
    """Raises, or answers with something that is no minutes."""

    def __init__(self, answer=None):
        self.answer = answer

    def predict(self, trips):
        if self.answer is None:
            raise ValueError("no such feature")
        return self.answer(len(trips))


#: Answers that are none, and a word of what is said of them.
WRONG_ANSWERS = [
    (None, "ValueError: no such feature"),
    (lambda n: np.full(n, np.nan), "no finite minutes"),
    (lambda n: np.zeros(n + 1), "one each is due"),
    (lambda n: np.zeros((n, 1)), "one each is due"),
    (lambda n: ["long"] * n, "could not convert"),
]


def by_miles(minutes_a_mile=4.0):
    """A model that knows how samples.rides are made, but for the rush hour."""
    return Formula(lambda pickup, dropoff, hour: 3 + minutes_a_mile * zones.distance_miles(pickup, dropoff) + 0 * hour)
