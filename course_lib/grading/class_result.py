"""What grading a class came to, for whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.outcome import INFRA_ERROR, SubmissionResult
from course_lib.grading.scores import Score
from course_lib.grading.submissions import Rejected


@dataclass
class ClassResult:
    """What grading a class came to. ``graded`` counts what was graded now, ``unchanged`` what had been before."""

    modules: list[str]
    results: list[SubmissionResult]
    rejected: list[Rejected]
    folders: CourseFolders
    scores: list[Score] = field(default_factory=list)
    graded: int = 0
    unchanged: int = 0
    seconds: float = 0.0
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything handed in has a grade."""
        return not self.rejected and all(result.status != INFRA_ERROR for result in self.results)

    @property
    def statuses(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for result in self.results:
            counts[result.status] = counts.get(result.status, 0) + 1
        return counts

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "modules": self.modules,
            "students": len({result.student for result in self.results}),
            "graded": self.graded,
            "unchanged": self.unchanged,
            "seconds": round(self.seconds, 2),
            "statuses": self.statuses,
            "complete": self.complete,
            "rejected": [{"file": r.origin, "problem": r.problem} for r in self.rejected],
            "files": {name: str(path) for name, path in self.files.items()},
            "scores": [
                {
                    "module": s.module,
                    "student": s.student,
                    "points": s.points,
                    "max_points": s.max_points,
                    "waiting": s.due,
                }
                for s in self.scores
            ],
            "submissions": [result.as_dict() for result in self.results],
        }
