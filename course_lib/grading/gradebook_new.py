"""Entries of a hand-in that the gradebook has none of yet, written as rows: a third of the time that objects take.

The rows are what nbgrader's ``add_submission`` would make, with the grades already in them.
"""

from __future__ import annotations

import datetime
import functools
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError
from course_lib.grading.outcome import GRADED, NotebookResult, SubmissionResult

NO_RESPONSE = "No response."


@dataclass(frozen=True)
class KnownNotebook:
    """A notebook's cells with entries in every submission: (database id, grade id)."""

    id: str
    graded: list[tuple[str, str]]
    commented: list[tuple[str, str]]


Known = tuple[str, dict[str, KnownNotebook]]  # an assignment's database id and its notebooks by name


class NewEntries:
    """Writes new submissions of one gradebook. Cells must not change meanwhile.

    ``known`` looks an assignment up, ``has_student`` a student; ``insert`` adds rows to a table.
    """

    def __init__(
        self,
        known: Callable[[str], Known],
        has_student: Callable[[str], bool],
        insert: Callable[[str, list[dict[str, Any]]], None],
    ) -> None:
        self.known, self.has_student, self.insert = functools.cache(known), has_student, insert

    def write(self, result: SubmissionResult, timestamp: datetime.datetime | None) -> None:
        """Add everything about one hand-in to the transaction."""
        assignment, notebooks = self.known(result.module)
        check_notebooks(result, notebooks)
        if not self.has_student(result.student):
            self.insert("student", [{"id": result.student}])
        row = {"id": _new_id(), "assignment_id": assignment, "student_id": result.student, "timestamp": timestamp}
        results = {notebook.name: notebook for notebook in result.notebooks}
        submitted, graded, commented = [], [], []
        for name, known in notebooks.items():
            place = _new_id()
            ids = {"id": place, "assignment_id": row["id"], "notebook_id": known.id}
            submitted.append({**ids, "flagged": False})
            notebook = results.get(name) or NotebookResult(name, GRADED)  # a lesson, say, which nobody grades
            points, unanswered = machine_points(notebook), set(notebook.unanswered)
            for cell, grade_id in known.graded:
                score = points.get(grade_id)
                due = score is None or grade_id in notebook.needs_review
                ids = {"id": _new_id(), "notebook_id": place, "cell_id": cell}
                graded.append({**ids, "auto_score": score, "needs_manual_grade": due})
            for cell, grade_id in known.commented:
                ids = {"id": _new_id(), "notebook_id": place, "cell_id": cell}
                commented.append({**ids, "auto_comment": NO_RESPONSE if grade_id in unanswered else None})
        tables = {"submitted_assignment": [row], "submitted_notebook": submitted, "grade": graded, "comment": commented}
        for table, rows in tables.items():
            if rows:
                self.insert(table, rows)


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


def _new_id() -> str:
    return uuid.uuid4().hex  # as nbgrader makes them
