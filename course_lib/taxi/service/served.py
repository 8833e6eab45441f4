"""A loaded model as requests use it: single rides by its compiled form, long lists and all else by its pipeline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.service import patience
from course_lib.taxi.service.compiled import TOLERANCE, Compiled, NotCompilable, compile_model, largest_difference

#: From so many rides at once the pipeline, which takes a table as a whole, is the quicker way.
MANY = 100
_PIECE = 2500  # rides in one call of the pipeline: between two calls it can be given up
Booking = tuple[int, int, datetime]  # pickup zone, drop-off zone, New York's wall time
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """A loaded model and what it is called.

    ``compiled`` is its quick form (None: the pipeline answers everything, ``because`` says why). ``unequal`` is only
    said when there is such a form, and it differs from the pipeline: a defect somebody must look at.
    """

    name: str
    version: int
    role: Literal["champion", "challenger"]
    model: Any = field(repr=False)
    compiled: Compiled | None = field(default=None, repr=False)
    because: str = ""
    unequal: str = ""

    @property
    def answers_by(self) -> str:
        """For people: the way of a single ride."""
        return "compiled form" if self.compiled is not None else f"pipeline ({self.because})"

    def minutes(self, bookings: Sequence[Booking]) -> list[float]:
        """Minutes for each booking, at least 0."""
        if self.compiled is not None and len(bookings) < MANY:
            answer = self.compiled.minutes
            return [max(answer(*booking), 0.0) for booking in bookings]
        return self.by_pipeline(bookings).tolist()

    def by_pipeline(self, bookings: Sequence[Booking]) -> np.ndarray:
        """The same from the pipeline as it was trained: float64, a value for each booking. Raises TookTooLong."""
        if len(bookings) > _PIECE:
            pieces = range(0, len(bookings), _PIECE)
            return np.concatenate([self.by_pipeline(bookings[first : first + _PIECE]) for first in pieces])
        patience.go_on()
        columns: list[Any] = list(zip(*bookings, strict=True)) or [(), (), ()]
        kinds = ("int64", "int64", "datetime64[us]")
        arrays = [np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)]
        table = pd.DataFrame(dict(zip(BOOKING_COLUMNS, arrays, strict=True)))
        return np.maximum(np.asarray(self.model.predict(table), dtype=np.float64), 0.0)


def serve(name: str, version: int, role: Literal["champion", "challenger"], model: Any) -> Served:
    """The model ready to answer, with a compiled form if it has one that was just proved equal to the pipeline."""
    try:
        compiled = compile_model(model)
        difference = largest_difference(compiled, model)
        unequal = "" if difference <= TOLERANCE else f"its compiled form differs by up to {difference:.3g} minutes"
    except NotCompilable as error:
        return Served(name, version, role, model, because=str(error))
    except Exception as error:  # nothing in the quick way may cost the sure one
        unequal = f"it could not be compiled: {type(error).__name__}: {error}"
    if unequal:
        _log.error("version %d of %s: %s", version, name, unequal)
        return Served(name, version, role, model, because=unequal, unequal=unequal)
    return Served(name, version, role, model, compiled)


def try_out(served: Served, check: Callable[[np.ndarray], np.ndarray] = np.isfinite) -> None:
    """Ask for a few rides across the city, day and night, as requests will: answers must be possible minutes.

    Raises CourseError, and whatever the model raises.
    """
    pickups, dropoffs = [7, 132, 41, 95, 244, 1], [138, 230, 42, 28, 119, 186]
    times = [datetime(2021, 1, 4, 3, 10), datetime(2021, 1, 5, 8, 30), datetime(2021, 2, 6, 17, 45)] * 2
    bookings = list(zip(pickups, dropoffs, times, strict=True))
    for minutes in (served.by_pipeline(bookings), np.array(served.minutes(bookings))):
        if minutes.shape != (len(bookings),) or not check(minutes).all() or not (minutes < 24 * 60).all():
            raise CourseError(
                f"asked for {len(bookings)} ordinary rides, it answered {np.array2string(minutes, threshold=6)}"
            )
