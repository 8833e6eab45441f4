"""The notebooks that `course verify` runs: the solution, the untouched release, and wrong answers, each for itself."""

from __future__ import annotations

import ast
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


def only_for(notebook: NotebookNode, task: TaskInfo) -> NotebookNode:
    """The notebook without what can't change the task's points.

    That is all that comes after its last test, and earlier tests of other tasks, unless they define a name that is
    used later: tests may take long, and a task has a dozen wrong answers.
    """
    last = max(index for index, cell in enumerate(notebook.cells) if _grade_id(cell) in task.tests)
    kept: list[NotebookNode] = []
    used: set[str] | None = set()
    for cell in reversed(notebook.cells[: last + 1]):
        defined, needed = _names(cell.source) if cell.cell_type == "code" else (set(), set())
        another = _is_test(cell) and _grade_id(cell) not in task.tests
        if another and used is not None and defined is not None and not defined & used:
            continue
        kept.append(cell)
        used = None if used is None or needed is None else used | needed
    shorter = copy.copy(notebook)
    shorter["cells"] = kept[::-1]
    return shorter


def _names(code: str) -> tuple[set[str] | None, set[str] | None]:
    """Names that the code may define, and names that it uses; None for those of what is no plain Python."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None, None
    defined: set[str] = set()
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else defined).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.alias):
            defined.add((node.asname or node.name).partition(".")[0])
    return defined, used


def _is_test(cell: NotebookNode) -> bool:
    entry = cell.metadata.get("nbgrader", {})
    return bool(entry.get("grade")) and not entry.get("solution")


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")
