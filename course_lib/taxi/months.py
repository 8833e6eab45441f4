"""Months by name: ``2021-01``. The one place that reads, checks and counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from course_lib.errors import UsageError

#: What a month's name looks like, for messages.
FORM = "A month is written YYYY-MM, for example 2021-01."


class MonthNotFound(UsageError):
    """A month that is misspelt, or that the chosen source does not have; says what there is."""


@dataclass(frozen=True, order=True)
class Month:
    """One calendar month; prints as ``2021-01``."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def start(self) -> pd.Timestamp:
        """The first moment of the month, New York time without a zone, as in the TLC's files."""
        return pd.Timestamp(self.year, self.number, 1).as_unit("us")

    @property
    def end(self) -> pd.Timestamp:
        """The first moment after the month."""
        return self.next().start

    def next(self) -> Month:
        """The month after this one."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)


def parse(name: str | Month) -> Month:
    """The month that ``name`` (``2021-01``) means. Raises MonthNotFound, with the form, for anything else."""
    if isinstance(name, Month):
        return name
    match = re.fullmatch(r"(\d{4})-(\d{2})", str(name).strip(), flags=re.ASCII)
    if not match:
        raise MonthNotFound(f"'{name}' is not a month. {FORM}")
    year, number = int(match[1]), int(match[2])
    if not 1 <= number <= 12 or year < 1900:
        what = f"there is no month {match[2]}" if not 1 <= number <= 12 else f"the year {match[1]} is too early"
        raise MonthNotFound(f"'{name}' is not a month: {what}. {FORM}")
    return Month(year, number)


def months(first: str, last: str) -> list[str]:
    """The names of all months from ``first`` to ``last``, both included, in order.

    Raises MonthNotFound for a misspelt month and UsageError when ``last`` comes before ``first``.
    """
    month, end = parse(first), parse(last)
    if end < month:
        raise UsageError(f"The months run backwards: {first} comes after {last}.")
    names = []
    while month <= end:
        names.append(str(month))
        month = month.next()
    return names


def listed(names: list[str]) -> str:
    """Months for a message: runs of neighbours are drawn together, ``2021-01 to 2021-05, 2022-01``."""
    runs: list[list[str]] = []
    for name in sorted(names):
        if runs and str(parse(runs[-1][-1]).next()) == name:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs) or "none"


def is_month(name: str) -> bool:
    """Whether ``name`` is a month's name."""
    try:
        parse(name)
    except MonthNotFound:
        return False
    return True
