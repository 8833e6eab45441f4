"""How good predicted minutes are, in numbers that a rider and a statistician both understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from course_lib.errors import CourseError, UsageError

#: What :func:`score` returns, in order.
METRICS = ("rmse", "mae", "bias", "r2", "within_5")


class BadPredictions(UsageError):
    """These durations and predictions can't be compared; the message says why."""


def score(y, predicted) -> dict[str, float]:
    """Compare true minutes ``y`` with ``predicted`` minutes, two sequences of shape (n,).

    ``rmse`` and ``mae`` in minutes; ``bias`` in minutes, above 0 when rides are promised too long; ``r2`` (1 is
    perfect, 0 no better than the mean of ``y``; NaN when all of ``y`` is the same, or n is 1); ``within_5`` the share
    (0…1) of rides that differ from the promise by 5 minutes at most.

    Raises BadPredictions when there is nothing to compare, the lengths differ, or a value is missing or infinite.
    """
    actual, guess = _minutes(y, "y"), _minutes(predicted, "predicted")
    if len(actual) != len(guess):
        raise BadPredictions(f"{len(actual)} durations can't be compared with {len(guess)} predictions.")
    if len(actual) == 0:
        raise BadPredictions("There are no rides to score: both y and predicted are empty.")
    error = guess - actual
    return {
        "rmse": float(root_mean_squared_error(actual, guess)),
        "mae": float(mean_absolute_error(actual, guess)),
        "bias": float(error.mean()),
        "r2": float(r2_score(actual, guess)) if np.ptp(actual) > 0 else float("nan"),
        "within_5": float((np.abs(error) <= 5).mean()),
    }


def compare(models: Mapping[str, Any], trips: pd.DataFrame) -> pd.DataFrame:
    """Score fitted models on the same cleaned trips (with their column ``duration``, minutes).

    ``models`` maps names to objects with ``predict(trips)``. Returns a table with a row for each model, in the order
    given, and the columns of METRICS and ``n``, the number of rides. Raises CourseError without trips or durations.
    """
    if not models:
        raise UsageError("There are no models to compare.")
    if "duration" not in trips.columns:
        raise UsageError("The trips have no column 'duration': take them from cleaning.clean(trips).trips.")
    if len(trips) == 0:
        raise CourseError("There are no trips to compare the models on.")
    rows = {name: score(trips["duration"], model.predict(trips)) for name, model in models.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(METRICS)).assign(n=len(trips))
    return table.rename_axis("model")


def _minutes(values, name: str) -> np.ndarray:
    try:
        minutes = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadPredictions(f"{name} must be minutes as numbers.") from None
    if minutes.ndim != 1:
        raise BadPredictions(f"{name} must have one number for each ride, not the shape {minutes.shape}.")
    if bad := int((~np.isfinite(minutes)).sum()):
        raise BadPredictions(f"{name} has {bad} missing or infinite value{'s' if bad > 1 else ''} in {len(minutes)}.")
    return minutes
