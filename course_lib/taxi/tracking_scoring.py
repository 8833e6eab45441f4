"""How a search and the gate measure: parts of a month in the order of time, and the time that one answer takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi.features import BOOKING_COLUMNS

_WHEN = BOOKING_COLUMNS[2]


def time_folds(trips: pd.DataFrame, folds: int = 3) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of rows to train on and to score on, ``folds`` times: each scores a later part than it trains on.

    The pickups, in order of time, are cut into ``folds`` + 1 parts of about the same size; the k-th fold trains on the
    first k parts and scores the next one. Rides that were picked up at the same time are never separated. Raises
    UsageError for less than one fold, missing times, or too few different times.
    """
    if folds < 1:
        raise UsageError(f"There must be at least one fold, not {folds}.")
    if _WHEN not in trips.columns or trips[_WHEN].isna().any():
        raise UsageError(f"Parts by time need the column '{_WHEN}' without missing values.")
    times = trips[_WHEN].to_numpy()
    ordered = np.sort(times)
    cuts = [ordered[len(ordered) * part // (folds + 1)] for part in range(1, folds + 1)] if len(ordered) else []
    edges = [*cuts, None]
    parts = [
        (np.flatnonzero(times < start), np.flatnonzero((times >= start) & (True if end is None else times < end)))
        for start, end in pairwise(edges)
    ]
    if not parts or any(len(train) == 0 or len(scored) == 0 for train, scored in parts):
        raise UsageError(f"{len(trips)} trips have too few different pickup times for {folds} folds.")
    return parts


def latency_ms(
    model: Any, trips: pd.DataFrame, rides: int = 30, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Median milliseconds that ``model`` takes for one ride at a time, over the first ``rides`` of ``trips``."""
    if len(trips) == 0:
        raise UsageError("There is no ride to measure a prediction with.")
    single = [trips.iloc[[place % len(trips)]] for place in range(rides)]
    for one in single[:3]:  # the first calls load what the others find loaded
        model.predict(one)
    took = []
    for one in single:
        start = clock()
        model.predict(one)
        took.append(clock() - start)
    return float(np.median(took) * 1000)
