"""The model: from what is known when a ride is booked to minutes."""

import numpy as np
import pandas as pd

from course_lib.taxi import models
from course_lib.taxi.features import BOOKING_COLUMNS
from rides.data import clean

KIND = "linear"


def train(trips: pd.DataFrame):
    """A model fitted on trips, cleaned or not; the same trips give the same model."""
    cleaned = clean(trips)
    return models.build(KIND, random_state=0).fit(cleaned[BOOKING_COLUMNS], cleaned["duration"])


def predict(model, rides: pd.DataFrame) -> np.ndarray:
    """Minutes of each ride, at least one; only the booking columns are looked at."""
    return np.maximum(1.0, model.predict(rides[BOOKING_COLUMNS]))
