# task: score
# loses: 1
# why: The mean squared error, in square minutes.

import numpy as np


def score(actual, predicted):
    actual, predicted = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
    if len(actual) != len(predicted) or len(actual) == 0 or np.isnan(actual).any() or np.isnan(predicted).any():
        raise ValueError("different lengths, nothing to score, or missing values")
    error = actual - predicted
    rmse = (error**2).mean()
    return {"rmse": rmse, "mae": np.abs(error).mean(), "within_5": (np.abs(error) <= 5).mean()}
