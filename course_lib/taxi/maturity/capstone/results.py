"""What a check of a capstone says: five steps, and in each four things at a point apiece."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Checked:
    """One thing that was looked at: what was expected, what was found, and a hint where they differ."""

    name: str
    points: int
    earned: int
    expected: str
    found: str
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether it earned its points."""
        return self.earned == self.points


@dataclass(frozen=True)
class Step:
    """One of the five steps, with the level that it belongs to."""

    number: int
    name: str
    level: str
    checks: list[Checked] = field(default_factory=list)

    @property
    def points(self) -> int:
        """What could be earned."""
        return sum(check.points for check in self.checks)

    @property
    def earned(self) -> int:
        """What was earned."""
        return sum(check.earned for check in self.checks)

    @property
    def why(self) -> str:
        """What was found where points are missing."""
        return "; ".join(f"{check.name}: {check.found}" for check in self.checks if not check.ok)

    @property
    def hint(self) -> str:
        """What to do about the first thing that is missing."""
        return next((check.hint for check in self.checks if not check.ok), "")


@dataclass(frozen=True)
class Result:
    """All steps that were checked."""

    steps: list[Step]

    @property
    def points(self) -> int:
        """What could be earned; 20 when all five steps were checked."""
        return sum(step.points for step in self.steps)

    @property
    def earned(self) -> int:
        """What was earned."""
        return sum(step.earned for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        steps = [
            {**asdict(step), "points": step.points, "earned": step.earned, "why": step.why, "hint": step.hint}
            for step in self.steps
        ]
        return {"earned": self.earned, "points": self.points, "steps": steps}
