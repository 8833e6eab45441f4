"""How grading ends: statuses, points and what is said about them.

Statuses belong to what is graded, a test: a student whose third task never ends loses that task and no other.
A notebook and a submission have the gravest status of their tests. Points come with `graded`, `student_error`
and `malformed` only; a `timeout` is worth nothing, and an `infra_error` has no score at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

GRADED, STUDENT_ERROR, MALFORMED, TIMEOUT, INFRA_ERROR = (
    "graded",
    "student_error",
    "malformed",
    "timeout",
    "infra_error",
)
STATUSES = (GRADED, STUDENT_ERROR, MALFORMED, TIMEOUT, INFRA_ERROR)  # from harmless to grave


@dataclass
class TestOutcome:
    """One test of one student. ``points`` is None where no machine gave any (graded by hand, infra_error)."""

    __test__ = False  # pytest collects classes of this name

    grade_id: str
    task: str
    max_points: float
    points: float | None
    status: str
    hint: str = ""
    hidden: bool = False
    error: str = ""


@dataclass
class NotebookResult:
    """One notebook of one student. ``document`` is the text of the autograded notebook, without a hidden line."""

    name: str
    status: str
    tests: list[TestOutcome] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    flags: list[dict[str, str]] = field(default_factory=list)
    problem: str = ""
    unanswered: list[str] = field(default_factory=list)
    needs_review: list[str] = field(default_factory=list)
    seconds: float = 0.0
    document: str | None = None

    @property
    def points(self) -> float | None:
        """The machine's points; None when the infrastructure failed."""
        if self.status == INFRA_ERROR:
            return None
        return sum(test.points or 0.0 for test in self.tests)

    @property
    def max_points(self) -> float:
        return sum(test.max_points for test in self.tests)


@dataclass
class SubmissionResult:
    """Everything about one student's hand-in of one module.

    ``key`` tells whether it must be graded again (see `records`), ``content`` whether it was handed in again.
    """

    student: str
    module: str
    notebooks: list[NotebookResult]
    key: str = ""
    content: str = ""
    timestamp: str | None = None

    @property
    def status(self) -> str:
        """The gravest of its notebooks'."""
        return gravest(notebook.status for notebook in self.notebooks)

    @property
    def points(self) -> float | None:
        points = [notebook.points for notebook in self.notebooks]
        return None if any(p is None for p in points) else sum(p for p in points if p is not None)

    @property
    def max_points(self) -> float:
        return sum(notebook.max_points for notebook in self.notebooks)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: everything but the autograded notebooks."""
        notebooks = [{**vars(n), "tests": [dict(vars(test)) for test in n.tests]} for n in self.notebooks]
        for notebook in notebooks:
            del notebook["document"]
        whole = {"status": self.status, "points": self.points, "max_points": self.max_points}
        return {**vars(self), "notebooks": notebooks, **whole}

    def grades(self) -> dict[str, Any]:
        """The part that must be the same whoever else is graded: no times, no documents."""
        return {
            notebook.name: [[t.grade_id, t.points, t.max_points, t.status, t.hint] for t in notebook.tests]
            for notebook in self.notebooks
        }


def from_dict(data: dict[str, Any]) -> SubmissionResult:
    """The inverse of `SubmissionResult.as_dict`."""
    notebooks = [
        NotebookResult(**{**nb, "tests": [TestOutcome(**test) for test in nb["tests"]]}) for nb in data["notebooks"]
    ]
    fields = ("student", "module", "key", "content", "timestamp")
    return SubmissionResult(notebooks=notebooks, **{name: data[name] for name in fields})


def gravest(statuses: Iterable[str]) -> str:
    """The gravest of several statuses; `graded` when there is none."""
    return max(statuses, key=STATUSES.index, default=GRADED)
