"""The notebooks that `course verify` runs: the solution, the untouched release, and wrong answers, each for itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from course_lib.workbook.canonical import without_outputs
from course_lib.workbook.liveness import Names, names_of
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
    wanted: frozenset[str] | None = frozenset()  # by what comes later; None: any name may be
    for cell, names, changes in reversed(list(_with_names(notebook.cells[: last + 1]))):
        another = _is_test(cell) and _grade_id(cell) not in task.tests
        if another and wanted is not None and changes is not None and not changes & wanted:
            continue
        kept.append(cell)
        wanted = None if wanted is None or names is None else (wanted - names.defines) | names.needs
    shorter = copy.copy(notebook)
    shorter["cells"] = kept[::-1]
    return shorter


def _with_names(cells: list[NotebookNode]) -> Iterator[tuple[NotebookNode, Names | None, frozenset[str] | None]]:
    """Each cell, its names, and those that are another thing after it; None where that can't be told.

    Tests begin with the imports that the notebook begins with: those change nothing.
    """
    standing: dict[str, str] = {}
    for cell in cells:
        names = names_of(cell.source) if cell.cell_type == "code" else Names()
        if names is None:
            standing.clear()
            yield cell, None, None
            continue
        again = {name for name, origin in names.imports.items() if standing.get(name) == origin}
        if not _is_test(cell):
            for name in names.may_define:
                standing.pop(name, None)
            standing.update(names.imports)
        yield cell, names, names.may_define - again


def _is_test(cell: NotebookNode) -> bool:
    entry = cell.metadata.get("nbgrader", {})
    return bool(entry.get("grade")) and not entry.get("solution")


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")
