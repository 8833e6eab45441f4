"""What all transformers of trips share: the columns, the checks, zone numbers that are safe to look up."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from course_lib.errors import UsageError
from course_lib.taxi import zones

#: All that is known when a ride is booked.
BOOKING_COLUMNS = ["PULocationID", "DOLocationID", "lpep_pickup_datetime"]
#: The metered distance (miles): known after the ride, so for lessons only, never in a deployed model.
METERED_COLUMN = "trip_distance"
#: Metered distances are cut to this many miles: longer ones are meter errors (the data has 244,152).
MAX_METERED_MILES = 60.0

#: Zones are numbered from 1 to this.
LAST_ZONE = 265


class BadTrips(UsageError):
    """These trips can't be turned into features; the message says which column is the trouble."""


def check_trips(trips: pd.DataFrame, columns: list[str]) -> None:
    """Raise BadTrips unless ``trips`` is a DataFrame with ``columns`` and pickup times of a plain datetime type."""
    if not isinstance(trips, pd.DataFrame):
        raise BadTrips(f"Trips come as a pandas DataFrame with the columns {', '.join(columns)}, not {type(trips)}.")
    if missing := [name for name in columns if name not in trips.columns]:
        raise BadTrips(f"The trips lack {', '.join(missing)}. Needed: {', '.join(columns)}.")
    name = "lpep_pickup_datetime"
    if name not in columns or len(trips) == 0:  # an empty column has whatever type it was born with
        return
    if trips[name].dtype.kind != "M":
        raise BadTrips(f"{name} has the type {trips[name].dtype}; turn it into times with pd.to_datetime first.")
    if getattr(trips[name].dtype, "tz", None) is not None:
        raise BadTrips(f"{name} carries a time zone; give New York time without one (.dt.tz_localize(None)).")


class TripTransformer(TransformerMixin, BaseEstimator):
    """What the transformers here share: the check of the columns they use, and their features' names."""

    columns: ClassVar[list[str]]

    def fit(self, X: pd.DataFrame, y=None):  # noqa: ARG002
        """Nothing to learn but that the columns are there."""
        check_trips(X, self.columns)
        self.n_features_in_ = len(self.columns)
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Features of shape (trips, features), float64, in the order of ``get_feature_names_out()``."""
        check_is_fitted(self)
        check_trips(X, self.columns)
        made = self._features(X)
        return np.column_stack([np.asarray(values, dtype=np.float64) for values in made.values()])

    def get_feature_names_out(self, input_features=None) -> np.ndarray:  # noqa: ARG002
        """Names of the features that ``transform`` returns."""
        return np.asarray(self._names(), dtype=object)


def zone_numbers(values: pd.Series) -> np.ndarray:
    """Zone numbers as int64; 0 for everything that no zone has as its number (missing, 999, 7.5)."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = (numbers >= 1) & (numbers <= LAST_ZONE) & (numbers == np.floor(numbers))
    return np.where(known, numbers, 0).astype(np.int64)


def straight_miles(trips: pd.DataFrame) -> np.ndarray:
    """Great-circle miles between each trip's zones; NaN where either is no known place, 0 within a zone."""
    ends = (zone_numbers(trips[name]) for name in BOOKING_COLUMNS[:2])
    return zones.distance_miles(*(np.where(end == 0, zones.UNKNOWN_ZONES[0], end) for end in ends))
