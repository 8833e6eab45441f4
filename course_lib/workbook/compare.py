"""How two notebooks differ, in words that name the cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.workbook.canonical import without_outputs
from course_lib.workbook.execute import output_problems
from course_lib.workbook.notebook_io import read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

_SHOWN = 5


def read_if_there(path: Path) -> NotebookNode | None:
    """The notebook in this file; None when there is none, or when what is there is no notebook."""
    try:
        return read_notebook(path) if path.is_file() else None
    except CourseError:
        return None


def same_text(expected: NotebookNode, actual: NotebookNode) -> bool:
    """Whether two notebooks are equal in everything but outputs and counters."""
    return without_outputs(expected) == without_outputs(actual)


def same_code(expected: NotebookNode, actual: NotebookNode) -> bool:
    """Whether executing both does the same: equal code cells with equal tags, in the same order."""
    return _code(expected) == _code(actual)


def differences(expected: NotebookNode, actual: NotebookNode) -> list[str]:
    """What a person would have to change in ``actual``, outputs aside; at most a handful of sentences."""
    left, right = without_outputs(expected), without_outputs(actual)
    parts = ("metadata", "nbformat", "nbformat_minor")
    found = [f"the notebook's {part} is not the same" for part in parts if left[part] != right[part]]
    if len(left.cells) != len(right.cells):
        found.append(f"it has {len(right.cells)} cells instead of {len(left.cells)}")
    for number, (one, other) in enumerate(zip(left.cells, right.cells, strict=False), 1):
        unlike = [name for name in ("cell_type", "source", "metadata", "id") if one.get(name) != other.get(name)]
        if unlike:
            found.append(f"cell {number} ({one.get('id')}): not the same {', '.join(unlike)}")
    return found[:_SHOWN] + ([f"… and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])


def has_outputs(notebook: NotebookNode) -> bool:
    """Whether any cell was executed and shows something."""
    return any(cell.outputs for cell in notebook.cells if cell.cell_type == "code")


def execution_problems(notebook: NotebookNode) -> list[str]:
    """Why a stored solution notebook can't be called executed: cells without a run, errors, text on stderr."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        return ["its cells have not been executed in order"]
    return output_problems(notebook, [])


def carry_outputs(source: NotebookNode, target: NotebookNode) -> NotebookNode:
    """Give ``target`` the outputs and counters of ``source``, whose code cells are the same; returns it."""
    executed = [cell for cell in source.cells if cell.cell_type == "code"]
    code = [cell for cell in target.cells if cell.cell_type == "code"]
    for old, new in zip(executed, code, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count
    return target


def _code(notebook: NotebookNode) -> list[tuple[str, list[str]]]:
    return [(c.source, c.metadata.get("tags", [])) for c in notebook.cells if c.cell_type == "code"]
