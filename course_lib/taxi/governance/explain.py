"""Why this ride got this answer: SHAP values of what its rider gave.

print(explain.ride(model, ride, background=february))

The answer is taken apart into a base (the mean answer to the background's rides) and one part for each thing that the
rider gave. A part is what that thing changes, averaged over all orders in which the three could become known (Shapley,
1953; Lundberg & Lee, 2017). Parts depend on the background: they say why this ride differs from those, not why it takes
its time.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import zones
from course_lib.taxi.feature_base import BOOKING_COLUMNS, check_trips
from course_lib.taxi.governance import asking
from course_lib.taxi.governance.importance import INPUTS

_ADDS_UP = 1e-6  # minutes


@dataclass(frozen=True)
class Explanation:
    """An answer taken apart: ``base`` + the sum of ``parts`` is ``minutes``.

    ``parts`` has an entry for each of importance.INPUTS. ``ride`` says in words what the rider gave, by the same names.
    """

    base: float
    minutes: float
    parts: pd.Series
    ride: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = {"pickup zone": "from", "drop-off zone": "to", "time": "on"}
        told = [f"{self.parts[name]:+.1f} {words[name]} {self.ride[name]}" for name in self.parts.index]
        return f"{self.minutes:.1f} minutes: {self.base:.1f} for the usual ride, {', '.join(told)}."

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"base": self.base, "minutes": self.minutes, "parts": self.parts.to_dict(), "ride": dict(self.ride)}


def ride(
    model: Any,
    ride: pd.DataFrame | pd.Series | Mapping[str, Any],
    background: pd.DataFrame,
    *,
    rides: int = 100,
    random_state: int = 0,
) -> Explanation:
    """Take the model's answer for one ride (a row, or its booking columns by name) apart, against ``background``.

    Of the background's trips at most ``rides`` are used, the same ones for the same ``random_state``. All eight ways of
    knowing or not knowing the three inputs are asked, so the values are exact for that background. The first call in a
    process imports shap, which takes seconds; after that one takes well under a second.

    Raises UnknownZone for a number that is no zone, UsageError for anything but one ride, BadTrips for missing columns,
    ModelFails.
    """
    asked = _one(ride)
    words = _in_words(asked.iloc[0])
    known = asking.sample(background, rides, random_state)[BOOKING_COLUMNS].dropna().reset_index(drop=True)
    if known.empty:
        raise UsageError("The background has no rides with both zones and a time.")
    everybody = pd.concat([asked, known.astype(asked.dtypes.to_dict())], ignore_index=True)
    # shap takes numbers: a ride's input is given as the row it comes from, so that no two times look alike to it
    rows = np.repeat(np.arange(1, len(everybody), dtype=np.float64)[:, None], len(BOOKING_COLUMNS), axis=1)

    def answers(places: np.ndarray) -> np.ndarray:
        chosen = np.asarray(places, dtype=np.int64)
        columns = zip(BOOKING_COLUMNS, chosen.T, strict=True)
        return asking.minutes(model, pd.DataFrame({name: everybody[name].array[row] for name, row in columns}))

    with _quietly():
        import shap

        explainer = shap.KernelExplainer(answers, rows)  # three inputs: it goes through all eight ways, and is exact
        values = np.asarray(explainer.shap_values(np.zeros((1, len(BOOKING_COLUMNS))), silent=True))[0]
    base, minutes = float(explainer.expected_value), float(asking.minutes(model, asked)[0])
    if not abs(base + values.sum() - minutes) <= _ADDS_UP:
        raise CourseError(
            f"The parts do not add up: {base:.6f} + {values.sum():.6f} is not {minutes:.6f}. Does the model answer the "
            "same question twice alike?"
        )
    return Explanation(base, minutes, pd.Series(values, index=list(INPUTS), name="minutes"), words)


def _one(ride: pd.DataFrame | pd.Series | Mapping[str, Any]) -> pd.DataFrame:
    """The ride as a frame of one row with the booking columns and the types that models expect."""
    if isinstance(ride, pd.DataFrame):
        frame = ride
    elif isinstance(ride, pd.Series | Mapping):
        frame = pd.DataFrame([dict(ride)])
    else:
        raise UsageError(f"A ride is a row of trips, or a dict with {', '.join(BOOKING_COLUMNS)}; not {type(ride)}.")
    if len(frame) != 1:
        raise UsageError(f"One ride is explained at a time, and this is {len(frame)}: choose one, trips.iloc[[0]].")
    check_trips(frame, BOOKING_COLUMNS[:2])
    if BOOKING_COLUMNS[2] not in frame.columns:
        check_trips(frame, BOOKING_COLUMNS)
    numbers = {name: [zones.zone(frame[name].iloc[0]).id] for name in BOOKING_COLUMNS[:2]}
    time = pd.to_datetime(frame[BOOKING_COLUMNS[2]], errors="coerce").reset_index(drop=True)
    if time.isna().any():
        raise UsageError(f"This is no time to be picked up at: {frame[BOOKING_COLUMNS[2]].iloc[0]!r}.")
    asked = pd.DataFrame({**numbers, BOOKING_COLUMNS[2]: time}).astype({BOOKING_COLUMNS[2]: _plain_time(time)})
    check_trips(asked, BOOKING_COLUMNS)
    return asked


def _plain_time(time: pd.Series) -> Any:
    """Microseconds, like the TLC's files; a time zone is left for check_trips to refuse."""
    return time.dtype if getattr(time.dtype, "tz", None) is not None else "datetime64[us]"


def _in_words(asked: pd.Series) -> dict[str, str]:
    names = [zones.zone(asked[name]).name for name in BOOKING_COLUMNS[:2]]
    return dict(zip(INPUTS, [*names, f"{asked[BOOKING_COLUMNS[2]]:%A, %H:%M}"], strict=True))


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Spare the reader what shap and numba say on stderr; what goes wrong raises all the same."""
    for name in ("shap", "numba"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
