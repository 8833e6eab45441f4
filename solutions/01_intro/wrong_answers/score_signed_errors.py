# task: score
# loses: 1
# why: The mean of signed errors: too long and too short cancel out.

import numpy as np


def score(actual, predicted):
    actual, predicted = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
    if len(actual) != len(predicted) or len(actual) == 0 or np.isnan(actual).any() or np.isnan(predicted).any():
        raise ValueError("different lengths, nothing to score, or missing values")
    error = actual - predicted
    rmse = np.sqrt((error**2).mean())
    return {"rmse": rmse, "mae": error.mean(), "within_5": (np.abs(error) <= 5).mean()}
