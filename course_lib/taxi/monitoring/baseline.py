"""What to hold later weeks against: the error of such a model on rides of the reference month that it hadn't seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.monitoring.performance import measure

_LEAST = 50  # rides to learn from and to judge with


@dataclass(frozen=True)
class Baseline:
    """``rmse``, ``sd`` (minutes) and their ``ratio`` on ``rides`` rides; ``how`` says how they were had."""

    rmse: float
    sd: float
    ratio: float
    rides: int
    how: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def of(model: Any, reference: pd.DataFrame, days: int = 7) -> Baseline:
    """The baseline of a fitted ``model`` on the cleaned trips of the ``reference`` month.

    The model may have learned from all of them, so a fresh copy of it learns from all but the last ``days`` days and
    is judged on these. A model that can't be copied and fitted (it is no scikit-learn estimator) is judged as it is.
    Raises CourseError when the month has too few rides for that.
    """
    from sklearn.base import clone

    last = reference[BOOKING_COLUMNS[2]].max()
    cut = last.normalize() - pd.Timedelta(days=days - 1) if len(reference) else last
    learned, judged = (reference[later] for later in _split(reference, cut))
    if len(learned) < _LEAST or len(judged) < _LEAST:
        raise CourseError(
            f"The reference month has too few rides for a baseline: {len(learned)} before its last {days} days and "
            f"{len(judged)} in them, and {_LEAST} are needed in each."
        )
    try:
        copy = clone(model)
    except TypeError:
        return _baseline(model, reference, "the model as it is, on the whole reference month")
    copy.fit(learned, learned["duration"])
    return _baseline(copy, judged, f"a copy trained without the last {days} days of the month, on those days")


def _split(reference: pd.DataFrame, cut: pd.Timestamp) -> tuple[pd.Series, pd.Series]:
    times = reference[BOOKING_COLUMNS[2]]
    return times < cut, times >= cut


def _baseline(model: Any, rides: pd.DataFrame, how: str) -> Baseline:
    found = measure(rides.assign(minutes=model.predict(rides)), min_rides=_LEAST)
    return Baseline(found["rmse"], found["sd"], found["ratio"], len(rides), how)
