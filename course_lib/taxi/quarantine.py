"""Rows that break the contract are set aside with their reasons; a month with too many of them is turned away.

A month is not lost for a few bad rows, and bad rows are not lost either: whoever mends the source finds each of them,
as it came, with everything that is wrong with it. Columns that are missing or of another type are no matter of rows:
they turn the whole month away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi import contract

# What a value is set to while the rest of its row is looked at; a number that every whole-numbered column may have.
_HARMLESS = 1
_WHOLE_LIMIT = 2.0**53  # beyond it, numbers that came as decimals are not exact


class TooManyBad(CourseError):
    """More rows break the contract than a month may have; the message says which columns, how, and how often."""


@dataclass(frozen=True)
class Split:
    """Rows that keep the contract, in canonical types; rows that break it, as they came; counts by reason.

    ``bad`` has two columns more: ``row``, the position among the rows that came in (from 0), and ``reasons``, a list of
    one or more sentences. ``reasons`` is a Series of row counts, most frequent first; a row with two reasons counts
    in both. ``len(good) + len(bad)`` is the number of rows that came in.
    """

    good: pd.DataFrame
    bad: pd.DataFrame
    reasons: pd.Series


def split(trips: pd.DataFrame, max_bad_share: float = 0.01, what: str = "These trips") -> Split:
    """Part ``trips``, raw as a file holds them, by the contract; the input is not changed.

    Raises ContractError when columns are missing, unknown or of another type, EmptyMonth when there are no rows, and
    TooManyBad when the bad rows are more than ``max_bad_share`` (0…1) of all. ``what`` names the trips in messages.
    """
    raw = trips.reset_index(drop=True)
    patched, broken = _without_broken_numbers(raw)
    frame = contract.check_types(patched, what)
    if frame.empty:
        raise contract.EmptyMonth(f"{what} are empty: the columns are there, and not one row.")
    cases = pd.concat([broken, _broken_rules(frame)], ignore_index=True)
    bad_rows = np.unique(cases["row"].to_numpy(np.int64))
    counts = cases["reason"].value_counts().rename("rows")
    if len(bad_rows) > max_bad_share * len(raw):
        raise TooManyBad(_too_many(what, len(bad_rows), len(raw), max_bad_share, counts))
    good = frame.drop(index=bad_rows).reset_index(drop=True)
    reasons = cases.groupby("row")["reason"].agg(list)
    bad = raw.loc[bad_rows].assign(row=bad_rows, reasons=reasons.reindex(bad_rows).to_numpy()).reset_index(drop=True)
    return Split(good, bad, counts)


def _without_broken_numbers(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``raw`` with whole numbers where there must be some, and the cases (row, reason) where there were none.

    One missing zone makes a whole column decimal, and the contract, which looks at columns, would turn away every row.
    """
    cases, patched = [], {}
    for column in raw.columns[~raw.columns.duplicated(keep=False)]:
        values = raw[column]
        if not _is_whole_number_column(column, values):
            continue
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        missing = np.isnan(numbers)
        with np.errstate(invalid="ignore"):  # infinity divided by one leaves no rest
            fraction = ~missing & ((np.abs(numbers) > _WHOLE_LIMIT) | (numbers % 1 != 0))
        for rows, words in ((missing, "the value is missing"), (fraction, "not a whole number")):
            cases.append(_cases(np.flatnonzero(rows), f"{column}: {words}"))
        if (missing | fraction).any():
            patched[column] = np.where(missing | fraction, _HARMLESS, numbers)
    none = _cases(np.empty(0, np.int64), "")
    return raw.assign(**patched), pd.concat([none, *cases], ignore_index=True)


def _is_whole_number_column(name: str, values: pd.Series) -> bool:
    types = pd.api.types
    return (
        contract.DTYPES.get(name) == "int64"
        and types.is_numeric_dtype(values.dtype)
        and not types.is_bool_dtype(values.dtype)
        and not types.is_complex_dtype(values.dtype)
    )


def _broken_rules(frame: pd.DataFrame) -> pd.DataFrame:
    """The cases (row, reason) in which values of the right type break a rule."""
    import pandera.pandas as pa

    try:
        contract.schema().validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        found = errors.failure_cases
        words = found["check"].astype(str).where(found["check"] != "not_nullable", "the value is missing")
        rows = found["index"].to_numpy(np.int64)
        return pd.DataFrame({"row": rows, "reason": (found["column"].astype(str) + ": " + words).to_numpy()})
    return _cases(np.empty(0, np.int64), "")


def _cases(rows: np.ndarray, reason: str) -> pd.DataFrame:
    return pd.DataFrame({"row": rows, "reason": pd.Series([reason] * len(rows), dtype="str")})


def _too_many(what: str, bad: int, rows: int, share: float, counts: pd.Series) -> str:
    lines = "\n".join(f"  - {reason} ({count:,} row{'s' if count != 1 else ''})" for reason, count in counts.items())
    return (
        f"{what}: {bad:,} of {rows:,} rows ({bad / rows:.1%}) break the contract, more than the {share:.1%} that may "
        f"be set aside:\n{lines}\nNothing was learned from them. Ask the source what changed; max_bad_share lets more "
        "rows be set aside."
    )
