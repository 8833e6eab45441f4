"""The usual minutes of a zone pair from sums that can be added up, month after month, machine after machine.

The same estimate as :class:`course_lib.taxi.features.SmoothedMeans` (empirical Bayes: a rare pair is drawn towards
the mean of all rides, the more the rarer it is and the more its rides differ), but from counts, sums and sums of
squares, so that no more than one part of the rides is ever in memory. D. Micci-Barreca, SIGKDD Explorations 3(1), 2001.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi.feature_base import BOOKING_COLUMNS, LAST_ZONE, TripTransformer, zone_numbers

#: Parts of the rides: a ride learns from the means of the other parts, never from its own duration.
FOLDS = 5
_ZONES = LAST_ZONE + 1


class Sums:
    """Rides, minutes and squared minutes by fold, pickup zone and drop-off zone: float64 of (3, folds, 266, 266)."""

    def __init__(self) -> None:
        self.values = np.zeros((3, FOLDS, _ZONES, _ZONES))

    def count(self, rides: pd.DataFrame, minutes: np.ndarray, fold: np.ndarray) -> None:
        """Take in rides with their minutes and folds, all of shape (rides,)."""
        pickup, dropoff = (zone_numbers(rides[name]) for name in BOOKING_COLUMNS[:2])
        cell = (fold * _ZONES + pickup) * _ZONES + dropoff
        size, shape = FOLDS * _ZONES * _ZONES, (FOLDS, _ZONES, _ZONES)
        for power, total in enumerate(self.values):
            weights = None if power == 0 else minutes**power
            total += np.bincount(cell, weights, size).reshape(shape)

    def add(self, other: Sums) -> None:
        """Take in what somebody else counted."""
        self.values += other.values

    def table(self) -> pd.DataFrame:
        """What isn't zero, as a table: cell, rides, minutes, squares."""
        flat = self.values.reshape(3, -1)
        cell = np.flatnonzero(flat[0])
        return pd.DataFrame({"cell": cell, **dict(zip(("rides", "minutes", "squares"), flat[:, cell], strict=True))})

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Sums:
        """The sums that :meth:`table` gave."""
        made = cls()
        made.values.reshape(3, -1)[:, table["cell"]] = table[["rides", "minutes", "squares"]].to_numpy().T
        return made

    def means(self, without: int | None = None) -> StreamedMeans:
        """A fitted transformer from all folds, or all but one."""
        chosen = self.values.sum(axis=1)
        return StreamedMeans().learn(chosen if without is None else chosen - self.values[:, without])


class StreamedMeans(TripTransformer):
    """Three features of a trip: the usual minutes of its zone pair, from its pickup zone, to its drop-off zone.

    Learned: ``tables_``, smoothed means by name (266 × 266, and 266 twice), with ``mean_`` for what was never seen.
    """

    columns: ClassVar[list[str]] = BOOKING_COLUMNS[:2]

    def fit(self, X: pd.DataFrame, y=None):
        """Learn from trips ``X`` and their minutes ``y``."""
        if y is None:
            raise UsageError("Smoothed means are means of durations: call fit with y, the minutes.")
        super().fit(X)
        sums = Sums()
        sums.count(X, np.asarray(y, dtype=np.float64), np.zeros(len(X), np.int64))
        return self.learn(sums.values.sum(axis=1))

    def learn(self, sums: np.ndarray) -> StreamedMeans:
        """Learn from rides, minutes and squares by zone pair: shape (3, 266, 266)."""
        rides, minutes, squares = sums.sum(axis=(1, 2))
        if rides < 1:
            raise UsageError("There are no rides to learn means from.")
        self.n_features_in_ = len(self.columns)
        self.mean_ = float(minutes / rides)
        variance = max(float(squares / rides) - self.mean_**2, 0.0)
        kinds = {"pair_mean": sums, "pickup_mean": sums.sum(axis=2), "dropoff_mean": sums.sum(axis=1)}
        self.tables_ = {name: _smoothed(part, self.mean_, variance) for name, part in kinds.items()}
        return self

    def _names(self) -> list[str]:
        return ["pair_mean", "pickup_mean", "dropoff_mean"]

    def _features(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        pickup, dropoff = (zone_numbers(X[name]) for name in self.columns)
        pair, first, last = (self.tables_[name] for name in self._names())
        return dict(zip(self._names(), (pair[pickup, dropoff], first[pickup], last[dropoff]), strict=True))


def _smoothed(sums: np.ndarray, mean: float, variance: float) -> np.ndarray:
    """Means drawn towards ``mean``: weight n·V / (n·V + v), V the variance of all rides and v that of this cell."""
    rides, minutes, squares = sums
    seen = np.maximum(rides, 1)
    own = np.where(rides > 0, minutes / seen, mean)
    spread = np.maximum(squares / seen - own**2, 0.0)
    signal = variance * rides
    with np.errstate(invalid="ignore"):
        weight = np.where(signal > 0, signal / (signal + spread), 0.0)
    return weight * own + (1 - weight) * mean
