"""Entries of a hand-in that the gradebook has none of yet, written as rows: a third of the time that objects take.

The rows are what nbgrader's ``add_submission`` would make, with the grades already in them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError
from course_lib.grading.outcome import GRADED, NotebookResult, SubmissionResult

NO_RESPONSE = "No response."


@dataclass(frozen=True)
class _Notebook:
    """A notebook's cells with entries in every submission: (database id, grade id)."""

    id: str
    graded: list[tuple[str, str]]
    commented: list[tuple[str, str]]


class NewEntries:
    """Writes new submissions of one gradebook. Cells must not change meanwhile."""

    def __init__(self, gradebook: Any, api: Any) -> None:
        self.gradebook, self.api = gradebook, api
        self._assignments: dict[str, tuple[str, dict[str, _Notebook]]] = {}

    def write(self, result: SubmissionResult, timestamp: datetime.datetime | None) -> None:
        """Add everything about one hand-in to the transaction."""
        api = self.api
        assignment, notebooks = self._known(result.module)
        check_notebooks(result, notebooks)
        if self.gradebook.db.get(api.Student, result.student) is None:
            self._insert(api.Student, [{"id": result.student}])
        row = {"id": api.new_uuid(), "assignment_id": assignment, "student_id": result.student, "timestamp": timestamp}
        self._insert(api.SubmittedAssignment, [row])
        results = {notebook.name: notebook for notebook in result.notebooks}
        places = {name: api.new_uuid() for name in notebooks}
        submitted = [
            {"id": places[name], "assignment_id": row["id"], "notebook_id": known.id}
            for name, known in notebooks.items()
        ]
        self._insert(api.SubmittedNotebook, submitted)
        graded, commented = [], []
        for name, known in notebooks.items():
            notebook = results.get(name) or NotebookResult(name, GRADED)  # a lesson, say, which nobody grades
            points, unanswered = machine_points(notebook), set(notebook.unanswered)
            for cell, grade_id in known.graded:
                score = points.get(grade_id)
                due = score is None or grade_id in notebook.needs_review
                ids = {"id": api.new_uuid(), "notebook_id": places[name], "cell_id": cell}
                graded.append({**ids, "auto_score": score, "needs_manual_grade": due})
            for cell, grade_id in known.commented:
                ids = {"id": api.new_uuid(), "notebook_id": places[name], "cell_id": cell}
                commented.append({**ids, "auto_comment": NO_RESPONSE if grade_id in unanswered else None})
        self._insert(api.Grade, graded)
        self._insert(api.Comment, commented)

    def _insert(self, kind: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.gradebook.db.execute(kind.__table__.insert(), rows)

    def _known(self, module: str) -> tuple[str, dict[str, _Notebook]]:
        if module not in self._assignments:
            assignment = self.gradebook.find_assignment(module)
            notebooks = {
                notebook.name: _Notebook(
                    notebook.id,
                    _cells(notebook.grade_cells, notebook.task_cells),
                    _cells(notebook.solution_cells, notebook.task_cells),
                )
                for notebook in assignment.notebooks
            }
            self._assignments[module] = (assignment.id, notebooks)
        return self._assignments[module]


def machine_points(result: NotebookResult) -> dict[str, float | None]:
    """The machine's points by grade id; an answer that was left as it was has 0, also where a person would grade."""
    return {**dict.fromkeys(result.unanswered, 0.0), **{test.grade_id: test.points for test in result.tests}}


def check_notebooks(result: SubmissionResult, known: Iterable[str]) -> None:
    """Raises CourseError where the gradebook's entry is about other notebooks."""
    if lacking := [notebook.name for notebook in result.notebooks if notebook.name not in known]:
        raise CourseError(
            f"the gradebook's entry for {result.student} in {result.module} lacks {', '.join(lacking)}: it was made "
            "from other notebooks. `nbgrader db student` and `nbgrader db assignment` can show and remove it."
        )


def _cells(*kinds: Iterable[Any]) -> list[tuple[str, str]]:
    return [(cell.id, cell.name) for cells in kinds for cell in cells]
