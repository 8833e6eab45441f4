"""Rows of bits find the leaves that walking down the trees finds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from course_lib.taxi.service.leafmasks import LeafMasks

FEATURES = 4


def fitted(leaves, missing, seed=0, trees=6):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4000, FEATURES)).round(2)
    X[:, 3] = rng.integers(0, 4, 4000)
    X[rng.random(X.shape) < missing] = np.nan
    y = np.nansum(X, axis=1) + np.sin(7 * np.nan_to_num(X[:, 0])) + np.isnan(X[:, 1]) + rng.normal(0, 0.1, 4000)
    return HistGradientBoostingRegressor(max_iter=trees, max_leaf_nodes=leaves, min_samples_leaf=2).fit(X, y)


def by_masks(model, X):
    masks = LeafMasks([one[0].nodes for one in model._predictors], FEATURES)
    rows = np.column_stack([masks.rows(feature, X[:, feature]) for feature in range(FEATURES)])
    return float(model._baseline_prediction[0, 0]) + np.array([masks.total(own) for own in rows])


# one question; a word of bits; just over one word; three words
@pytest.mark.parametrize("leaves", [2, 3, 64, 65, 190])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_sum_of_the_leaves_a_walk_ends_in(leaves, missing):
    model = fitted(leaves, missing)
    assert max(one[0].nodes["is_leaf"].sum() for one in model._predictors) == leaves
    X = np.random.default_rng(1).normal(size=(1500, FEATURES)).round(2)
    X[np.random.default_rng(2).random(X.shape) < 0.2] = np.nan
    X[0], X[1], X[2] = np.nan, np.inf, -np.inf
    np.testing.assert_allclose(by_masks(model, X), model.predict(X), rtol=0, atol=1e-12)


def test_values_on_a_threshold_go_left():
    model = fitted(31, 0.0)
    nodes = [one[0].nodes for one in model._predictors]
    X = np.zeros((0, FEATURES))
    for own in nodes:
        for node in own[own["is_leaf"] == 0]:
            row = np.zeros((3, FEATURES))
            thresholds = (
                node["num_threshold"],
                np.nextafter(node["num_threshold"], np.inf),
                node["num_threshold"] - 1e-9,
            )
            row[:, node["feature_idx"]] = thresholds
            X = np.vstack([X, row])
    np.testing.assert_allclose(by_masks(model, X), model.predict(X), rtol=0, atol=1e-12)


def test_a_tree_that_asks_nothing():
    model = HistGradientBoostingRegressor(max_iter=2).fit(np.zeros((50, FEATURES)), np.arange(50.0))
    X = np.ones((3, FEATURES))
    np.testing.assert_allclose(by_masks(model, X), model.predict(X), rtol=0, atol=1e-12)
