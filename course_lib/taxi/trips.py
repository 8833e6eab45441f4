"""Months of raw trips, from wherever they come, through one door.

    trips.load("2021-01")                                # simulated, offline, the same every time
    trips.load("2021-01", source="tlc")                  # downloaded from the TLC once
    trips.load("2021-01", source="a/folder/of/months")   # TLC parquet files that are already there

``TAXI_DATA`` sets the source for everything that doesn't name one.
"""

from __future__ import annotations

import contextlib
import difflib
import operator
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import contract, sources
from course_lib.taxi.contract import ContractError, EmptyMonth
from course_lib.taxi.monthfile import BrokenFile, NoRoom, Unwritable
from course_lib.taxi.months import Month, MonthNotFound, listed, months, parse

__all__ = [
    "BrokenFile",
    "ContractError",
    "EmptyMonth",
    "MonthNotFound",
    "NoRoom",
    "Unwritable",
    "available",
    "fetch",
    "load",
    "months",
]

SourceName = str | os.PathLike[str] | None


def load(
    month: str = "2021-01",
    *,
    source: SourceName = None,
    rows: int | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The raw trips of one month: the TLC's 20 columns in canonical types (contract.DTYPES), dirt included.

    ``source`` is ``simulated``, ``tlc`` or a folder of TLC parquet files; None asks the variable TAXI_DATA,
    and without it simulates. ``rows`` (simulated only) asks for another size than the month's own.
    ``columns`` reads only some of the columns. The trips pass :func:`contract.check` on the way in.

    Raises MonthNotFound for a month that is misspelt or not there, BrokenFile for a file that is no
    readable parquet, ContractError for other columns or types, EmptyMonth when there are no rows, NoRoom
    when the disk fills up, and the download's own errors (see :mod:`course_lib.taxi.tlc`).
    """
    chosen = sources.choose(source)
    wanted = _month(month, chosen)
    names = _column_names(columns)
    frame = chosen.read(wanted, _row_count(rows), names)
    return contract.check(frame, names, what=f"The trips of {wanted} ({chosen.name})")


def fetch(
    month: str = "2021-01", *, source: SourceName = None, rows: int | None = None, progress: bool = False
) -> Path:
    """The parquet file of a month as it came: simulated or downloaded if need be, neither checked nor changed.

    ``progress`` shows a download's progress on stderr. Raises as :func:`load` does, but for the contract.
    """
    chosen = sources.choose(source)
    return chosen.fetch(_month(month, chosen), _row_count(rows), progress=progress)


def available(source: SourceName = None) -> list[str]:
    """The months that a source has, in order."""
    return sources.choose(source).available()


@contextlib.contextmanager
def naming_available(chosen: sources.Source) -> Iterator[None]:
    """Let an error about a misspelt month say which months the source has."""
    try:
        yield
    except MonthNotFound as error:
        raise MonthNotFound(f"{error} Months available ({chosen.name}): {listed(chosen.available())}.") from error


def _month(name: str, chosen: sources.Source) -> Month:
    with naming_available(chosen):
        return parse(name)


def _row_count(rows: int | None) -> int | None:
    if rows is None:
        return None
    try:
        count = 0 if isinstance(rows, bool) else operator.index(rows)
    except TypeError:
        count = 0
    if count < 1:
        raise UsageError(f"rows must be a whole number of at least 1, not {rows!r}.")
    return count


def _column_names(columns: Sequence[str] | None) -> list[str] | None:
    if columns is None:
        return None
    names = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
    for name in names:
        if name not in contract.COLUMNS:
            near = difflib.get_close_matches(str(name), contract.COLUMNS, n=3)
            hint = f"Nearest: {', '.join(near)}." if near else f"There are: {', '.join(contract.COLUMNS)}."
            raise UsageError(f"Trips have no column '{name}'. {hint}")
    return names
