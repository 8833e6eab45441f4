"""Boosted trees that never need all rides at once: every few trees, LightGBM is given the next part of them.

This is stochastic gradient boosting (J. H. Friedman, 2002), where each tree learns from a random part of the rides;
here the part is drawn from the disk. Memory depends on the size of a part and not on the number of rides. LightGBM on
Dask was the other choice: it keeps all rides in the memory of all workers together (about 40 bytes a ride, once they
are binned), which one machine with 3 GB can't, and a cluster only has to for the hour of training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

#: A part of the rides: a function that gives features (float32, rides × features) and minutes (rides,).
Part = Callable[[], tuple[np.ndarray, np.ndarray]]


class StreamedTrees(RegressorMixin, BaseEstimator):
    """Gradient-boosted trees of LightGBM, fitted on parts of the rides, one after the other.

    Settings as for the course's boosting, where LightGBM has the same. The same parts in the same order give the
    same trees, on any number of threads.
    """

    def __init__(
        self, trees: int = 300, learning_rate: float = 0.08, leaves: int = 127, threads: int = 1, seed: int = 0
    ):
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.threads = threads
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> StreamedTrees:
        """Learn from all rides at once."""
        return self.fit_parts([lambda: (X, y)])

    def fit_parts(self, parts: Sequence[Part], progress: Callable[[int, int], None] | None = None) -> StreamedTrees:
        """Learn from the parts in turn, an equal number of trees from each; ``progress`` hears (done, parts).

        Each part is binned by itself, so that no part has to stay.
        """
        import lightgbm as lgb

        booster: Any = None
        ends = np.linspace(0, self.trees, len(parts) + 1).round().astype(int)
        for number, part in enumerate(parts):
            features, minutes = part()
            self.n_features_in_ = features.shape[1]
            data = lgb.Dataset(features, minutes, params=self._settings())
            rounds = int(ends[number + 1] - ends[number])
            booster = lgb.train(self._settings(), data, rounds, init_model=booster)  # goes on from what it says so far
            del features, minutes, data
            if progress:
                progress(number + 1, len(parts))
        self.booster_ = booster
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Minutes for each row of features."""
        check_is_fitted(self)
        return np.asarray(self.booster_.predict(X, num_threads=1))

    def _settings(self) -> dict[str, Any]:
        return {
            "objective": "regression",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": 20,
            "feature_fraction_bynode": 0.3,
            "lambda_l2": 50.0,
            "feature_pre_filter": False,
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "seed": self.seed,
            "verbosity": -1,
        }
