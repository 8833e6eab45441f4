"""Asking a model about rides that nobody took: the checks that all questions share, and one way for a model to fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.feature_base import BOOKING_COLUMNS, check_trips


class ModelFails(CourseError):
    """The model raised an error, or answered something that is no minutes."""


def minutes(model: Any, trips: pd.DataFrame) -> np.ndarray:
    """The model's answers for ``trips``, float64 of shape (trips,). Raises ModelFails."""
    try:
        answers = np.asarray(model.predict(trips), dtype=np.float64)
    except Exception as error:  # whatever a model of somebody's raises
        raise ModelFails(f"The model fails on {len(trips):,} rides: {type(error).__name__}: {error}") from error
    if answers.shape != (len(trips),):
        raise ModelFails(f"The model answers with the shape {answers.shape} to {len(trips):,} rides: one each is due.")
    if wrong := int((~np.isfinite(answers)).sum()):
        raise ModelFails(f"The model's answers to {wrong:,} of {len(trips):,} rides are no finite minutes.")
    return answers


def sample(trips: pd.DataFrame, most: int, random_state: int, *, least: int = 1, also: tuple[str, ...] = ()):
    """At most ``most`` of the trips, in their order, with a fresh index; the same ones for the same ``random_state``.

    Raises BadTrips for missing columns (``also``: beyond the booking ones), UsageError for fewer than ``least`` trips.
    """
    check_trips(trips, [*BOOKING_COLUMNS, *also])
    if most < least:
        raise UsageError(f"At least {least} rides are needed, so 'rides' can't be {most}.")
    if len(trips) < least:
        found = "There are no rides" if len(trips) == 0 else f"There is only {len(trips)} ride"
        raise UsageError(f"{found}: at least {least} {'is' if least == 1 else 'are'} needed.")
    if len(trips) <= most:
        return trips.reset_index(drop=True)
    chosen = np.random.default_rng(random_state).choice(len(trips), most, replace=False)
    return trips.iloc[np.sort(chosen)].reset_index(drop=True)
