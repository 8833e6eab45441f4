# task: score
# loses: 1
# why: nanmean hides the riders who got no answer.

import numpy as np


def score(actual, predicted):
    actual, predicted = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
    if len(actual) != len(predicted) or len(actual) == 0:
        raise ValueError("different lengths, nothing to score, or missing values")
    error = actual - predicted
    rmse = np.sqrt(np.nanmean(error**2))
    return {"rmse": rmse, "mae": np.nanmean(np.abs(error)), "within_5": (np.abs(error) <= 5).mean()}
