"""The rides a model card is measured on, and those the model learned from: read again and held against their hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, months, tracking, trips
from course_lib.taxi.backfill_plan import parse_months
from course_lib.taxi.feature_base import BOOKING_COLUMNS, METERED_COLUMN
from course_lib.taxi.governance.card_registry import Registered

_COLUMNS = [*BOOKING_COLUMNS, "lpep_dropoff_datetime", METERED_COLUMN]  # as training.train reads them
_UNTIL = "learned_until"


@dataclass(frozen=True)
class Rides:
    """Cleaned trips, where they come from, and rows dropped by reason (empty: not known, they were given)."""

    trips: pd.DataFrame = field(repr=False)
    months: str
    source: str
    hash: str
    account: dict[str, int] = field(default_factory=dict)

    def facts(self, recorded: str | None) -> dict[str, Any]:
        """What the card says about them; ``recorded`` is the hash that the run kept."""
        same = None if recorded is None else self.hash == recorded
        return {
            "months": self.months, "source": self.source, "rides": len(self.trips), "hash": self.hash,
            "recorded_hash": recorded, "same_as_recorded": same, "rows": self.account,
        }  # fmt: skip


def given(frame: pd.DataFrame) -> Rides:
    """Rides that somebody gives. Raises CourseError when there are none, or they have no duration."""
    if "duration" not in frame.columns:
        raise CourseError("The rides have no column 'duration': take them from cleaning.clean(trips).trips.")
    if len(frame) == 0:
        raise CourseError("There are no rides to measure on.")
    described = tracking.lineage(frame).data["train"]
    return Rides(frame, described["name"].removeprefix("trips of "), "given", described["hash"])


def scored(
    known: Registered,
    frame: pd.DataFrame | None,
    chosen: str | Sequence[str] | None,
    source: str | None,
    rows: int | None,
) -> Rides:
    """The rides to score on: given, of the ``chosen`` months, or as the run was scored. Raises CourseError."""
    if frame is not None:
        return given(frame)
    names, after = _scored_months(known, chosen)
    return _read(names, known, source, rows, None if after is None else lambda times: times >= after)


def learned(known: Registered, frame: pd.DataFrame | None, source: str | None, rows: int | None) -> Rides:
    """The rides that the run learned from, given or read again. Raises CourseError."""
    if frame is not None:
        return given(frame)
    month, until = known.params.get("train"), _until(known)
    if not month:
        raise CourseError("the run's parameters don't say which month it learned from")
    return _read([str(month)], known, source, rows, None if until is None else lambda times: times < until)


def _scored_months(known: Registered, chosen: str | Sequence[str] | None) -> tuple[list[str], pd.Timestamp | None]:
    if chosen is not None:
        names = parse_months(chosen)
        if known.params.get("train") in names:
            raise UsageError(f"The model learned from {known.params['train']}: score it on later months.")
        return names, None
    if month := known.params.get("valid"):
        return [str(month)], None
    if (until := _until(known)) is not None and (month := known.params.get("train")):
        return [str(month)], until  # the pipeline scores on the last days of the month that it learned from
    raise CourseError("the run's parameters don't say which month it was scored on: name one (months)")


def _until(known: Registered) -> pd.Timestamp | None:
    """The first moment that a pipeline's model didn't learn from."""
    text = known.params.get(_UNTIL)
    return pd.Timestamp(str(text)) if text else None


def _read(names: list[str], known: Registered, source: str | None, rows: int | None, keep: Any) -> Rides:
    chosen, rows = source or known.params.get("source"), rows or known.params.get("rows")
    parts = {name: cleaning.clean(trips.load(name, source=chosen, rows=rows, columns=_COLUMNS), name) for name in names}
    frame = pd.concat([part.trips for part in parts.values()]) if len(parts) > 1 else parts[names[0]].trips
    if keep is not None:
        frame = frame[keep(frame[BOOKING_COLUMNS[2]])]
    if len(frame) == 0:
        raise CourseError(f"no usable rides are left in {months.listed(names)}")
    account = sum(part.account for part in parts.values())
    rows_by_reason = {str(reason): int(count) for reason, count in account.items()}
    return Rides(frame, months.listed(names), str(chosen or "default"), tracking.data_hash(frame), rows_by_reason)
