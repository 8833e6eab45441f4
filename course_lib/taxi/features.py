"""What a model sees of a trip, made from what the rider's app knows: two zones and a pickup time.

Each transformer takes a DataFrame of trips, uses the columns it names in ``columns`` and ignores all others, so
that nothing known only after the ride (fare, drop-off time, metered distance) can slip into a model.
:func:`make_features` joins them into one.

Zone numbers that no zone has, and missing ones, count as "no known place": their geometry is NaN, as for zones
264 and 265. Missing times give NaN as well. The models in :mod:`course_lib.taxi.models` can take both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import TargetEncoder

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import zones
from course_lib.taxi.feature_base import (
    BOOKING_COLUMNS,
    LAST_ZONE,
    MAX_METERED_MILES,
    METERED_COLUMN,
    BadTrips,
    TripTransformer,
    check_trips,
    straight_miles,
    zone_numbers,
)

__all__ = [
    "BOOKING_COLUMNS",
    "MAX_METERED_MILES",
    "METERED_COLUMN",
    "BadTrips",
    "Boroughs",
    "MeteredDistance",
    "SmoothedMeans",
    "TripTime",
    "ZoneGeometry",
    "check_trips",
    "holidays",
    "make_features",
    "straight_miles",
]

_BOROUGHS = ("Bronx", "Brooklyn", "EWR", "Manhattan", "Queens", "Staten Island")
_MILES_PER_DEGREE = 69.094  # of latitude, on a sphere of 3958.8 miles, as in zones.distance_miles


class ZoneGeometry(TripTransformer):
    """Where the ride goes: distance between the zones' centroids, its parts, its bearing, and both centroids.

    ``miles_east`` (longitude shrunk by the latitude's cosine) and ``miles_north`` are the parts of ``miles``, which
    within the city is the great-circle distance to a thousandth; ``bearing`` is in radians (0 = east, π/2 = north;
    0 within a zone).
    """

    columns: ClassVar[list[str]] = BOOKING_COLUMNS[:2]

    def fit(self, X: pd.DataFrame, y=None):
        """Take the zone map along, so that a stored model doesn't change when the map does."""
        table = zones.table().reindex(range(LAST_ZONE + 1))
        self.lon_, self.lat_ = table["lon"].to_numpy(np.float64), table["lat"].to_numpy(np.float64)
        return super().fit(X, y)

    def _names(self) -> list[str]:
        ends = ["pickup_lon", "pickup_lat", "dropoff_lon", "dropoff_lat"]
        return ["miles", "miles_east", "miles_north", "bearing", *ends]

    def _features(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        pickup, dropoff = (zone_numbers(X[name]) for name in self.columns)
        lon1, lat1, lon2, lat2 = self.lon_[pickup], self.lat_[pickup], self.lon_[dropoff], self.lat_[dropoff]
        east = (lon2 - lon1) * np.cos(np.radians((lat1 + lat2) / 2)) * _MILES_PER_DEGREE
        north = (lat2 - lat1) * _MILES_PER_DEGREE
        parts = [np.hypot(east, north), east, north, np.arctan2(north, east)]
        return dict(zip(self._names(), [*parts, lon1, lat1, lon2, lat2], strict=True))


class Boroughs(TripTransformer):
    """The boroughs of both ends, as numbers 0…5 for trees (6: no known place) or one column each for linear models.

    With ``one_hot`` a place that is no place has 0 in every column.
    """

    columns: ClassVar[list[str]] = BOOKING_COLUMNS[:2]

    def __init__(self, one_hot: bool = False):
        self.one_hot = one_hot

    def fit(self, X: pd.DataFrame, y=None):
        """Take the zones' boroughs along."""
        names = zones.table()["borough"].reindex(range(LAST_ZONE + 1))
        codes = names.map({name: code for code, name in enumerate(_BOROUGHS)})
        self.codes_ = codes.fillna(len(_BOROUGHS)).to_numpy(np.float64)
        return super().fit(X, y)

    def _names(self) -> list[str]:
        ends = ("pickup", "dropoff")
        if not self.one_hot:
            return [f"{end}_borough" for end in ends]
        return [f"{end}_{name.lower().replace(' ', '_')}" for end in ends for name in _BOROUGHS]

    def _features(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        codes = [self.codes_[zone_numbers(X[name])] for name in self.columns]
        if self.one_hot:
            codes = [code == number for code in codes for number in range(len(_BOROUGHS))]
        return dict(zip(self._names(), codes, strict=True))


class TripTime(TripTransformer):
    """When the ride starts: ``hour`` (0…24, decimal), ``weekday`` (Monday 0), ``minute_of_week`` (from Monday 0:00).

    On the holidays of the federal government New York's streets are as empty as on a Sunday, so they count as
    Sundays. ``cyclic`` adds the sine and cosine of the hour and of the week, for models that draw straight lines:
    23:59 lies beside 0:00.
    """

    columns: ClassVar[list[str]] = BOOKING_COLUMNS[2:]

    def __init__(self, cyclic: bool = False):
        self.cyclic = cyclic

    def _names(self) -> list[str]:
        clock = ["hour", "weekday", "minute_of_week"]
        return [*clock, "hour_sin", "hour_cos", "week_sin", "week_cos"] if self.cyclic else clock

    def _features(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        times = pd.DatetimeIndex(X[self.columns[0]])
        hour = np.asarray(times.hour + times.minute / 60, dtype=np.float64)
        weekday = np.where(_is_holiday(times), 6.0, np.asarray(times.weekday, dtype=np.float64))
        clock = [hour, weekday, weekday * 1440 + hour * 60]
        if self.cyclic:
            turns = (hour / 24, clock[2] / (7 * 1440))
            clock += [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
        return dict(zip(self._names(), clock, strict=True))


class SmoothedMeans(TripTransformer):
    """The usual minutes of this zone pair, from this pickup zone and to this drop-off zone.

    Rare zones and pairs are drawn towards the mean of all rides (empirical Bayes: scikit-learn's TargetEncoder);
    pairs never seen get that mean.

    ``fit_transform`` gives each trip means of the *other* folds' trips: a trip's own duration must not be among
    its features, or a model would learn to trust rare pairs and fail on new rides. ``transform`` uses all
    training trips; so ``fit(X, y).transform(X)`` differs from ``fit_transform(X, y)``, and models must be
    trained on the latter, as a Pipeline does.
    """

    columns: ClassVar[list[str]] = BOOKING_COLUMNS[:2]

    def __init__(self, smooth: float | str = "auto", folds: int = 5, random_state: int | None = 0):
        self.smooth = smooth
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y=None):
        """Learn the means (minutes) from all trips."""
        self._learn(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y=None, **_params) -> np.ndarray:
        """Learn the means from all trips, and return for each trip those of the other folds."""
        return self._learn(X, y)

    def _learn(self, X: pd.DataFrame, y) -> np.ndarray:
        super().fit(X)
        if y is None:
            raise UsageError("Smoothed means are means of durations: call fit with y, the minutes.")
        if len(X) < 2:
            raise CourseError(f"Means out of fold need at least 2 trips to learn from, not {len(X)}.")
        folds = KFold(min(self.folds, len(X)), shuffle=True, random_state=self.random_state)
        self.encoder_ = TargetEncoder(target_type="continuous", smooth=self.smooth, cv=folds)
        self.encoder_.set_output(transform="default")
        return self.encoder_.fit_transform(self._keys(X), np.asarray(y, dtype=np.float64))

    def _names(self) -> list[str]:
        return ["pair_mean", "pickup_mean", "dropoff_mean"]

    def _keys(self, X: pd.DataFrame) -> np.ndarray:
        pickup, dropoff = (zone_numbers(X[name]) for name in self.columns)
        return np.column_stack([pickup * 1000 + dropoff, pickup, dropoff])

    def _features(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        means = self.encoder_.transform(self._keys(X)) if len(X) else np.empty((0, 3))
        return dict(zip(self._names(), means.T, strict=True))


class MeteredDistance(TripTransformer):
    """The metered distance (miles, cut to 0…60) and its ratio to the straight line. Lessons only: known too late."""

    columns: ClassVar[list[str]] = [*BOOKING_COLUMNS[:2], METERED_COLUMN]

    def _names(self) -> list[str]:
        return ["metered_miles", "detour"]

    def _features(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        metered = np.clip(X[METERED_COLUMN].to_numpy(np.float64), 0.0, MAX_METERED_MILES)
        straight = straight_miles(X)
        # within a zone the straight line is 0; below about a third of a mile the ratio says nothing
        return {"metered_miles": metered, "detour": metered / np.maximum(straight, 0.3)}


def make_features(with_distance: bool = False, linear: bool = False, random_state: int | None = 0) -> FeatureUnion:
    """All features as one unfitted transformer: a DataFrame of trips in, an array (trips, features) out.

    It reads BOOKING_COLUMNS only. ``linear`` adds what straight lines need (cyclic time, a column per borough);
    ``with_distance`` adds the metered distance, for lessons. ``random_state`` draws the folds of the means.
    """
    parts = [
        ("geometry", ZoneGeometry()),
        ("boroughs", Boroughs(one_hot=linear)),
        ("time", TripTime(cyclic=linear)),
        ("means", SmoothedMeans(random_state=random_state)),
    ]
    if with_distance:
        parts.append(("metered", MeteredDistance()))
    return FeatureUnion(parts, verbose_feature_names_out=False)


@lru_cache(maxsize=1)
def holidays() -> np.ndarray:
    """The federal government's holidays from 2008 to 2040, as days (datetime64[D])."""
    from pandas.tseries.holiday import USFederalHolidayCalendar

    return USFederalHolidayCalendar().holidays("2008-01-01", "2040-12-31").to_numpy("datetime64[D]")


def _is_holiday(times: pd.DatetimeIndex) -> np.ndarray:
    return np.isin(times.to_numpy("datetime64[D]"), holidays())
