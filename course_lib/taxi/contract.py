"""The contract for raw trips: what may come in through the door, guarded once.

The TLC's green-taxi files have 20 columns. Their types moved over the years (since 2023 some months store
zone numbers as int32, passenger counts as int64 and the flag as large_string; the e-hail fee has no type at
all, being empty) and the meaning did not. So the door first brings every harmless variant to one set of
types, :data:`DTYPES`, and then checks the contract, with pandera. The dirt of real trips (negative fares,
23-hour rides, distances to the moon) is no breach: cleaning deals with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandera.pandas as pa

_WHOLE, _TIME, _FLAG, _NUMBER = "int64", "datetime64[us]", "str", "float64"

#: The canonical type of each of the 20 columns, in the TLC's order. Numbers that may be missing are
#: float64; times are New York clock time without a zone.
DTYPES = {
    "VendorID": _WHOLE,
    "lpep_pickup_datetime": _TIME,
    "lpep_dropoff_datetime": _TIME,
    "store_and_fwd_flag": _FLAG,
    "RatecodeID": _NUMBER,
    "PULocationID": _WHOLE,
    "DOLocationID": _WHOLE,
    "passenger_count": _NUMBER,
    "trip_distance": _NUMBER,
    "fare_amount": _NUMBER,
    "extra": _NUMBER,
    "mta_tax": _NUMBER,
    "tip_amount": _NUMBER,
    "tolls_amount": _NUMBER,
    "ehail_fee": _NUMBER,
    "improvement_surcharge": _NUMBER,
    "total_amount": _NUMBER,
    "payment_type": _NUMBER,
    "trip_type": _NUMBER,
    "congestion_surcharge": _NUMBER,
}
COLUMNS = tuple(DTYPES)

#: Columns that the TLC added later. They are known, so they are no breach; nothing here uses them, so they
#: stay outside.
LATER_COLUMNS = ("cbd_congestion_fee",)

_KINDS = {_WHOLE: "whole numbers", _NUMBER: "numbers", _TIME: "dates with times", _FLAG: "text"}
_ARE = {_FLAG: "is"}
# The meter of a dispatched ride sends these together or not at all.
_MAY_BE_MISSING = {
    "store_and_fwd_flag",
    "RatecodeID",
    "passenger_count",
    "ehail_fee",
    "payment_type",
    "trip_type",
    "congestion_surcharge",
}


@dataclass(frozen=True)
class Violation:
    """One way in which trips break the contract; ``rows`` is how many rows do, None when all do."""

    column: str
    what: str
    rows: int | None = None

    def __str__(self) -> str:
        count = "" if self.rows is None else f" ({self.rows:,} row{'s' if self.rows != 1 else ''})"
        return f"{self.column}: {self.what}{count}"


class ContractError(CourseError):
    """Trips break the contract. ``violations`` lists each breach."""

    def __init__(self, violations: Sequence[Violation], what: str = "These trips") -> None:
        self.violations = list(violations)
        ways = "1 way" if len(self.violations) == 1 else f"{len(self.violations)} ways"
        lines = "\n".join(f"  - {violation}" for violation in self.violations)
        super().__init__(f"{what} break the contract for trips in {ways}:\n{lines}")


class EmptyMonth(CourseError):
    """There are columns but no trips."""


def check(trips: pd.DataFrame, columns: Sequence[str] | None = None, what: str = "These trips") -> pd.DataFrame:
    """Return ``trips`` with the 20 columns in the TLC's order and canonical types, or raise.

    The input is not changed. ``columns`` limits the contract to some of the columns (a file read in part);
    ``what`` names the trips in messages. Checking what was checked before changes nothing.

    Raises ContractError, which lists every missing or unexpected column, every wrong type and every rule
    that values break, with row counts; and EmptyMonth when there are no rows.
    """
    frame, violations = _door(trips, list(COLUMNS) if columns is None else list(columns))
    violations += _broken_rules(frame)
    if violations:
        raise ContractError(violations, what)
    if frame.empty:
        raise EmptyMonth(f"{what} are empty: the columns are there, and not one row.")
    return frame


def check_types(trips: pd.DataFrame, what: str = "These trips") -> pd.DataFrame:
    """Return ``trips`` as :func:`check` does, whatever the rows say, if there are any; the rules are not looked at.

    Raises ContractError unless columns and types keep the contract.
    """
    frame, violations = _door(trips, list(COLUMNS))
    if violations:
        raise ContractError(violations, what)
    return frame


def _door(trips: pd.DataFrame, wanted: list[str]) -> tuple[pd.DataFrame, list[Violation]]:
    """The wanted columns in canonical types, as far as they can be had, and what is wrong with the others."""
    known = trips.drop(columns=[c for c in LATER_COLUMNS if c in trips.columns])
    violations = _columns_that_differ(known, wanted)
    canonical = {}
    for column in (c for c in wanted if c in known.columns and not known.columns.duplicated().any()):
        values, violation = _canonical(known[column], DTYPES[column])
        if violation:
            violations.append(violation)
        else:
            canonical[column] = values
    return pd.DataFrame(canonical, index=known.index), violations


def _columns_that_differ(trips: pd.DataFrame, wanted: Sequence[str]) -> list[Violation]:
    there = list(trips.columns)
    missing = [Violation(c, "the column is missing") for c in wanted if c not in there]
    extra = [Violation(str(c), "no such column is expected") for c in dict.fromkeys(there) if c not in wanted]
    twice = [Violation(c, "the column is there more than once") for c in wanted if there.count(c) > 1]
    return missing + extra + twice


def _canonical(values: pd.Series, dtype: str) -> tuple[pd.Series, Violation | None]:
    """``values`` in their canonical type, or what is wrong with them."""
    name, found = str(values.name), values.dtype
    if _is(values, dtype):
        if dtype != _WHOLE:
            return values.astype(dtype), None
        numbers = values.astype("float64") if pd.api.types.is_extension_array_dtype(found) else values
        if missing := int(numbers.isna().sum()):
            return values, Violation(name, "the value is missing", missing)
        if broken := int((numbers % 1 != 0).sum()):
            return values, Violation(name, "not a whole number", broken)
        return numbers.astype(dtype), None
    if values.isna().all() and name in _MAY_BE_MISSING:  # an empty column has no type of its own
        return pd.Series(np.nan, index=values.index, dtype=dtype, name=name), None
    return values, Violation(
        name, f"has the type {_described(values)} where {_KINDS[dtype]} {_ARE.get(dtype, 'are')} expected"
    )


def _is(values: pd.Series, dtype: str) -> bool:
    """Whether the values mean what the canonical type means, in whatever width or storage."""
    types = pd.api.types
    if dtype == _TIME:
        return types.is_datetime64_dtype(values.dtype)  # without a time zone
    if dtype == _FLAG:
        return pd.api.types.infer_dtype(values, skipna=True) in ("string", "categorical") and not (
            isinstance(values.dtype, pd.CategoricalDtype) and not types.is_string_dtype(values.cat.categories)
        )
    return types.is_numeric_dtype(values.dtype) and not (
        types.is_bool_dtype(values.dtype) or types.is_complex_dtype(values.dtype)
    )


def _described(values: pd.Series) -> str:
    if values.dtype != object:
        return str(values.dtype)
    return f"object (holding {pd.api.types.infer_dtype(values, skipna=True)})"


@lru_cache(maxsize=1)
def schema() -> pa.DataFrameSchema:
    """The contract as a pandera schema, for trips that already have their canonical types."""
    import pandera.pandas as pa  # half a second: paid only by those who check

    rules = {
        "VendorID": pa.Check.ge(1, error="vendors have the numbers 1 and up"),
        "store_and_fwd_flag": pa.Check.isin(["N", "Y"], error="the flag is N or Y"),
        "RatecodeID": pa.Check.isin([1, 2, 3, 4, 5, 6, 99], error="rate codes are 1 to 6, or 99"),
        "PULocationID": pa.Check.in_range(1, 265, error="zones have the numbers 1 to 265"),
        "DOLocationID": pa.Check.in_range(1, 265, error="zones have the numbers 1 to 265"),
        "passenger_count": pa.Check.ge(0, error="passengers are counted from 0"),
        "payment_type": pa.Check.in_range(0, 6, error="payment types are 0 to 6"),
        "trip_type": pa.Check.isin([1, 2], error="trip types are 1 (hailed) and 2 (dispatched)"),
    }
    columns = {
        name: pa.Column(dtype, rules.get(name), nullable=name in _MAY_BE_MISSING) for name, dtype in DTYPES.items()
    }
    return pa.DataFrameSchema(columns, strict=True, name="green taxi trips")


def _broken_rules(frame: pd.DataFrame) -> list[Violation]:
    import pandera.pandas as pa

    try:
        schema().select_columns(list(frame.columns)).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        groups = cases.groupby(["column", "check"], sort=False, dropna=False)
        return [Violation(str(column), _worded(check), len(rows)) for (column, check), rows in groups]
    return []


def _worded(check: str) -> str:
    return "the value is missing" if check == "not_nullable" else check
