"""Months made ready for work: each fetched or simulated, read through the contract, and cleaned for a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.taxi import cleaning, sources, trips
from course_lib.taxi.months import months, parse

#: The months that the course begins with.
DEFAULT_MONTHS = ("2021-01", "2021-02")


@dataclass(frozen=True)
class Prepared:
    """One month that is there: its source, file, rows, and the account of cleaning (rows by reason)."""

    month: str
    source: str
    path: Path
    rows: int
    account: dict[str, int]

    @property
    def kept_share(self) -> float:
        """Share of rows that cleaning keeps, 0…1."""
        return self.account["kept"] / self.rows

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "month": self.month,
            "source": self.source,
            "rows": self.rows,
            "file": str(self.path),
            "bytes": self.path.stat().st_size,
            "kept_share": round(self.kept_share, 4),
            "account": self.account,
        }


def expand(names: Sequence[str]) -> list[str]:
    """Months by name, ranges (``2021-01..2021-05``) spelt out, each once, in the order asked for.

    Raises MonthNotFound for a misspelt month and UsageError for a range that runs backwards.
    """
    every: list[str] = []
    for name in names:
        first, dots, last = name.partition("..")
        every += months(first, last) if dots else [str(parse(name))]
    return list(dict.fromkeys(every))


def prepare(
    names: Sequence[str] = DEFAULT_MONTHS,
    *,
    source: trips.SourceName = None,
    rows: int | None = None,
    progress: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Prepared]:
    """Fetch or simulate months, check each against the contract and count what cleaning keeps.

    All names are looked at before anything is made. ``tell`` hears what is being done; ``progress`` shows
    downloads on stderr. Raises what :func:`trips.load` and :func:`expand` raise.
    """
    chosen = sources.choose(source)
    with trips.naming_available(chosen):
        wanted = expand(names)
    for month in wanted:
        chosen.check(parse(month))
    return [_prepared(month, chosen.name, source, rows, progress, tell) for month in wanted]


def _prepared(
    month: str,
    name: str,
    source: trips.SourceName,
    rows: int | None,
    progress: bool,
    tell: Callable[[str], None],
) -> Prepared:
    tell(f"{month}: preparing ({name})")
    path = trips.fetch(month, source=source, rows=rows, progress=progress)
    raw = trips.load(month, source=source, rows=rows)
    account = cleaning.clean(raw, month).account
    return Prepared(month, name, path, len(raw), {str(reason): int(count) for reason, count in account.items()})
