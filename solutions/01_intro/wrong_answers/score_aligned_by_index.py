# task: score
# loses: 1
# why: pandas pairs rows by index: each answer is scored against another ride.

import pandas as pd


def score(actual, predicted):
    if len(actual) != len(predicted) or len(actual) == 0:
        raise ValueError("different lengths, or nothing to score")
    error = pd.Series(actual, dtype=float) - pd.Series(predicted, dtype=float)
    if error.isna().any():
        raise ValueError("missing values")
    return {"rmse": (error**2).mean() ** 0.5, "mae": error.abs().mean(), "within_5": (error.abs() <= 5).mean()}
