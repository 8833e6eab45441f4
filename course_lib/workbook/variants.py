"""The notebooks that `course verify` runs: the solution, the untouched release, and wrong answers, each for itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.workbook.canonical import without_outputs
from course_lib.workbook.scoring import TaskInfo

if TYPE_CHECKING:
    from nbformat import NotebookNode


def as_graded(release: NotebookNode, solution: NotebookNode) -> NotebookNode:
    """An untouched release as nbgrader grades it: locked cells, hidden tests included, come from the solution."""
    graded = without_outputs(release)
    source = {_grade_id(cell): cell.source for cell in solution.cells if _grade_id(cell)}
    for cell in graded.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = source[_grade_id(cell)]
    return graded


def with_answers(solution: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """The solution with other code in some answer cells (by grade id)."""
    variant = without_outputs(solution)
    for cell in variant.cells:
        if _grade_id(cell) in answers:
            cell.source = answers[_grade_id(cell)]
    return variant


def up_to(notebook: NotebookNode, task: TaskInfo) -> NotebookNode:
    """The notebook without what comes after a task's last test: nothing there can change the task's points."""
    last = max(index for index, cell in enumerate(notebook.cells) if _grade_id(cell) in task.tests)
    shorter = copy.copy(notebook)
    shorter["cells"] = notebook.cells[: last + 1]
    return shorter


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")
