"""What an assessment says: levels, practices, findings, and the next step that they lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.errors import UsageError

if TYPE_CHECKING:
    from course_lib.taxi.maturity.scan import Project

#: From the lowest to the highest; a level holds only if all below it hold.
LEVELS = ("ad hoc", "managed", "automated", "orchestrated", "governed")
AD_HOC, MANAGED, AUTOMATED, ORCHESTRATED, GOVERNED = LEVELS


class NothingToAssess(UsageError):
    """There is no such directory, it is none, it holds nothing, or it may not be read."""


@dataclass(frozen=True)
class Evidence:
    """What looking for one practice gave: ``where`` it is seen, or what is ``missing``. Exactly one is not empty."""

    where: str = ""
    missing: str = ""

    @property
    def found(self) -> bool:
        """Whether it is there."""
        return not self.missing


@dataclass(frozen=True)
class Practice:
    """One thing that a team does or doesn't: which level needs it, and how its evidence is looked for.

    ``effort`` is a rough figure: hours of one person's work on a small project. ``how`` says what to type or to
    write where it is missing.
    """

    level: str
    name: str
    effort: float
    how: str
    look: Callable[[Project], Evidence] = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """A practice in one directory: ``where`` its evidence was found, or what is ``missing`` and ``how`` to get it."""

    level: str
    practice: str
    found: bool
    where: str
    missing: str
    how: str
    effort: float


@dataclass(frozen=True)
class Assessment:
    """All findings about a directory; ``unreadable`` names what could not be looked at, ``files`` counts the rest."""

    directory: Path
    findings: list[Finding]
    files: int = 0
    unreadable: list[str] = field(default_factory=list)

    def of(self, level: str) -> list[Finding]:
        """The findings of one level. Raises UsageError for a level that there isn't."""
        if level not in LEVELS:
            raise UsageError(f"There is no level '{level}'. The levels: {', '.join(LEVELS)}.")
        return [finding for finding in self.findings if finding.level == level]

    @property
    def missing(self) -> list[Finding]:
        """What was not found, the lowest level first."""
        return [finding for finding in self.findings if not finding.found]

    @property
    def shares(self) -> pd.Series:
        """For each level the share (0 to 1) of its practices that were found."""
        counts = {level: [finding.found for finding in self.of(level)] for level in LEVELS}
        return pd.Series({level: sum(one) / len(one) if one else 0.0 for level, one in counts.items()}, name="share")

    @property
    def holds(self) -> pd.Series:
        """For each level whether all its practices were found, and all of the levels below."""
        return (self.shares == 1).cummin().rename("holds")

    @property
    def number(self) -> int:
        """The highest level that holds, 0 to 4; ad hoc is the floor."""
        return max(int(self.holds.sum()) - 1, 0)

    @property
    def level(self) -> str:
        """The name of the highest level that holds."""
        return LEVELS[self.number]

    @property
    def next_step(self) -> Finding | None:
        """The cheapest missing practice of the lowest level that doesn't hold; None when nothing is missing."""
        if not self.missing:
            return None
        lowest = self.missing[0].level
        return min((finding for finding in self.missing if finding.level == lowest), key=lambda one: one.effort)

    def table(self) -> pd.DataFrame:
        """A row a practice, in order: level, practice, found, where, missing, how, effort (hours)."""
        return pd.DataFrame([asdict(finding) for finding in self.findings])

    def as_dict(self) -> dict[str, Any]:
        """The whole as plain values, for JSON."""
        step = self.next_step
        return {
            "directory": str(self.directory),
            "level": self.level,
            "number": self.number,
            "shares": {level: round(float(share), 4) for level, share in self.shares.items()},
            "holds": {level: bool(holds) for level, holds in self.holds.items()},
            "next_step": None if step is None else asdict(step),
            "findings": [asdict(finding) for finding in self.findings],
            "files": self.files,
            "unreadable": self.unreadable,
        }
