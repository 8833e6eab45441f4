"""What each student has in the end: the machine's points, and where a person has graded, the person's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from course_lib.grading.assignment import Assignment
from course_lib.grading.outcome import INFRA_ERROR, SubmissionResult

Manual = Mapping[tuple[str, str, str], Mapping[str, tuple[float | None, bool]]]


@dataclass(frozen=True)
class NotebookScore:
    """Points for one notebook; None where there is no score. ``due`` cells still wait for a person."""

    name: str
    status: str
    points: float | None
    max_points: float
    by_hand: float = 0.0
    due: int = 0


@dataclass
class Score:
    """One student in one module."""

    student: str
    module: str
    status: str
    notebooks: list[NotebookScore] = field(default_factory=list)
    repairs: int = 0
    flags: int = 0

    @property
    def points(self) -> float | None:
        """Points so far; None where a notebook has no score."""
        points = [notebook.points for notebook in self.notebooks]
        return None if any(p is None for p in points) else sum(p for p in points if p is not None)

    @property
    def max_points(self) -> float:
        return sum(notebook.max_points for notebook in self.notebooks)

    @property
    def due(self) -> int:
        return sum(notebook.due for notebook in self.notebooks)

    @property
    def final(self) -> float | None:
        """The points, once nothing waits for a person; None until then."""
        return None if self.due else self.points


def scores(results: Iterable[SubmissionResult], assignments: Iterable[Assignment], manual: Manual) -> list[Score]:
    """A class's scores, by module and student."""
    known = {(a.module, a.name): a for a in assignments}
    table = []
    for result in results:
        score = Score(result.student, result.module, result.status)
        for notebook in result.notebooks:
            assignment = known.get((result.module, notebook.name))
            if assignment is None:
                continue
            by_person = manual.get((result.module, result.student, notebook.name), {})
            score.repairs += len(notebook.repairs)
            score.flags += len(notebook.flags)
            if notebook.status == INFRA_ERROR:
                score.notebooks.append(NotebookScore(notebook.name, notebook.status, None, assignment.points))
                continue
            points, by_hand, due = 0.0, 0.0, 0
            machine = {test.grade_id: test.points or 0.0 for test in notebook.tests}
            for cell in assignment.graded:
                given, waits = by_person.get(cell.name, (None, cell.name not in machine))
                if given is not None:
                    by_hand += given
                points += machine.get(cell.name, 0.0) if given is None else given
                due += waits and cell.name not in notebook.unanswered
            score.notebooks.append(
                NotebookScore(notebook.name, notebook.status, points, assignment.points, by_hand, due)
            )
        table.append(score)
    return sorted(table, key=lambda score: (score.module, score.student))
