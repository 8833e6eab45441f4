"""Four ways to answer "how long will this ride take?", from the simplest to the best.

Each is one Pipeline that takes a DataFrame with features.BOOKING_COLUMNS (others are ignored) and returns minutes:

    model = models.build("boosting").fit(trips, trips["duration"])
    model.predict(trips)                   # float64, shape (trips,)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import ThreadpoolController

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.features import (
    BOOKING_COLUMNS,
    MAX_METERED_MILES,
    METERED_COLUMN,
    check_trips,
    make_features,
    straight_miles,
)

#: In the order in which they are compared: simplest first.
NAMES = ("mean", "rule_of_thumb", "linear", "boosting")


def build(name: str, with_distance: bool = False, random_state: int | None = 0) -> DurationPipeline:
    """An unfitted model: ``mean``, ``rule_of_thumb``, ``linear`` or ``boosting``.

    ``with_distance`` lets it see the metered distance as well: for lessons about what that would be worth, not for
    a service, since it is known only after the ride. ``random_state`` makes two fits on the same trips alike.
    Raises UsageError for another name.
    """
    if name == "mean":
        steps = [("model", DummyRegressor())]
    elif name == "rule_of_thumb":
        steps = [("model", RuleOfThumb(with_distance))]
    elif name == "linear":
        steps = [
            ("features", make_features(with_distance, linear=True, random_state=random_state)),
            ("impute", SimpleImputer()),
            ("scale", StandardScaler()),
            ("model", Ridge()),
        ]
    elif name == "boosting":
        trees = HistGradientBoostingRegressor(
            learning_rate=0.06,
            max_iter=250,
            max_leaf_nodes=127,
            min_samples_leaf=20,
            max_features=0.3,
            l2_regularization=50,
            early_stopping=False,
            random_state=random_state,
        )
        steps = [("features", make_features(with_distance, random_state=random_state)), ("model", trees)]
    else:
        raise UsageError(f"There is no model '{name}'. There are: {', '.join(NAMES)}.")
    return DurationPipeline(steps)


class DurationPipeline(Pipeline):
    """A scikit-learn Pipeline from trips to minutes that minds three things more.

    It checks the trips before its steps do, in words; an empty frame gives an empty answer; and it uses one thread:
    trees on a busy machine wait for their own threads longer than they work (seconds become minutes), and one
    row at a time is quicker without them. Training 74,000 rides takes about 4 s that way.
    """

    def fit(self, X: pd.DataFrame, y=None, **params):
        """Learn from trips ``X`` and minutes ``y`` (same length). Raises BadTrips or CourseError."""
        check_trips(X, BOOKING_COLUMNS)
        if y is None:
            raise UsageError("A model learns from durations: call fit with y, the minutes of each trip.")
        if len(X) == 0:
            raise CourseError("There are no trips to learn from.")
        if len(X) != len(y):
            raise UsageError(f"{len(X)} trips can't have {len(y)} durations: X and y differ in length.")
        if not np.isfinite(np.asarray(y, dtype=np.float64)).all():
            raise CourseError("Some durations are missing or infinite: clean the trips first (cleaning.clean).")
        with _threads().limit(limits=1):
            return super().fit(X, y, **params)

    def predict(self, X: pd.DataFrame, **params) -> np.ndarray:
        """Minutes for each trip, float64 of shape (trips,); shape (0,) for none. Raises BadTrips."""
        check_is_fitted(self)
        check_trips(X, BOOKING_COLUMNS)
        if len(X) == 0:
            return np.empty(0)
        with _threads().limit(limits=1):
            return np.asarray(super().predict(X, **params), dtype=np.float64)


@lru_cache(maxsize=1)
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


class RuleOfThumb(RegressorMixin, BaseEstimator):
    """Distance ÷ usual speed at that hour: what a person would answer without machine learning.

    At booking time nobody knows the distance, so it is the straight line between the zones' centroids times
    ``detour_factor_``, or ``same_zone_miles_`` within a zone. Both come from the metered distances of the training
    trips, where ``X`` has them; without them the factor is 1 and the speeds are those of a bird.
    ``with_distance`` takes the metered distance where it makes sense (more than 0, at most 60 miles).

    The usual speed is all miles driven over all time taken, so that long rides on fast roads count for what they are
    (a median of the rides' speeds would promise them twice their time).

    Learned: ``mph_by_hour_`` (24 speeds), ``mph_`` (of all rides, for hours never seen), ``detour_factor_``,
    ``same_zone_miles_`` and ``usual_minutes_`` (a median, for rides from or to no known place).
    """

    def __init__(self, with_distance: bool = False):
        self.with_distance = with_distance

    def fit(self, X: pd.DataFrame, y):
        """Learn the usual speeds (mph) and detour from trips ``X`` and their minutes ``y``."""
        check_trips(X, self._columns())
        minutes = np.asarray(y, dtype=np.float64)
        straight, metered = straight_miles(X), _sensible_metered(X)
        self.usual_minutes_ = float(np.median(minutes))
        self.detour_factor_ = _median(metered[straight > 0] / straight[straight > 0], default=1.0)
        miles = np.where(np.isnan(metered), straight * self.detour_factor_, metered)
        self.mph_ = _speed(miles, minutes, default=12.0)
        hours = _hours(X)
        by_hour = (_speed(miles[hours == hour], minutes[hours == hour], default=self.mph_) for hour in range(24))
        self.mph_by_hour_ = np.array(list(by_hour))
        within = straight == 0
        usual = self.mph_ * _median(minutes[within], default=self.usual_minutes_) / 60
        self.same_zone_miles_ = _median(metered[within], default=usual)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Minutes for each trip."""
        check_is_fitted(self)
        check_trips(X, self._columns())
        straight = straight_miles(X)
        miles = np.where(straight == 0, self.same_zone_miles_, straight * self.detour_factor_)
        if self.with_distance:
            metered = _sensible_metered(X)
            miles = np.where(np.isnan(metered), miles, metered)
        hours = _hours(X)
        mph = np.where(hours < 0, self.mph_, self.mph_by_hour_[hours])
        minutes = miles / mph * 60
        return np.where(np.isnan(minutes), self.usual_minutes_, minutes)

    def _columns(self) -> list[str]:
        return [*BOOKING_COLUMNS, METERED_COLUMN] if self.with_distance else BOOKING_COLUMNS


def _hours(trips: pd.DataFrame) -> np.ndarray:
    """Hours of pickup 0…23; -1 where the time is missing."""
    return trips[BOOKING_COLUMNS[2]].dt.hour.fillna(-1).to_numpy(np.int64)


def _sensible_metered(trips: pd.DataFrame) -> np.ndarray:
    """Metered miles, NaN where the meter says 0, something absurd, or nothing."""
    if METERED_COLUMN not in trips.columns:
        return np.full(len(trips), np.nan)
    miles = trips[METERED_COLUMN].to_numpy(np.float64)
    return np.where((miles > 0) & (miles <= MAX_METERED_MILES), miles, np.nan)


def _speed(miles: np.ndarray, minutes: np.ndarray, default: float) -> float:
    """All miles over all hours (mph), of the rides whose distance is known and not 0."""
    known = (miles > 0) & (minutes > 0)
    return float(miles[known].sum() / minutes[known].sum() * 60) if known.any() else default


def _median(values: np.ndarray, default: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else default
