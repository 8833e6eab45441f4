"""Move a student's work from the notebook that was handed out into the one that is published now."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.workbook import pristine
from course_lib.workbook.alignment import align, grade_id, is_answer, same_text, unfenced
from course_lib.workbook.notebook_io import notebook_text, parse_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode


# what comes of a file that is nearly a notebook: a mark that is a list, half of a character
_ODD = (AttributeError, KeyError, TypeError, ValueError)


class CannotMerge(CourseError):
    """The student's file can't be moved into the new one without a loss, so both have to stay."""


def worked_in(name: str, mine: bytes) -> bool:
    """Whether a changed file has anything of the student's own in it: a notebook that was only run has not."""
    try:
        return not pristine.is_untouched(_read(name, mine))
    except (CannotMerge, *_ODD):
        return True


def merged(name: str, old: bytes, mine: bytes, new: bytes) -> bytes:
    """The new notebook with the student's answers in it, and every cell of theirs behind the one it stood behind.

    Only for notebooks with tasks: in a lesson nothing tells a cell that was changed from one that has been renewed.
    Raises CannotMerge for everything else: lessons, broken notebooks, other files.
    """
    try:
        return _merged(name, *(_read(name, content) for content in (old, mine, new)))
    except _ODD as error:
        raise CannotMerge(f"{name} has something in it that no notebook has ({error!r})") from error


def _merged(name: str, before: NotebookNode, theirs: NotebookNode, after: NotebookNode) -> bytes:
    released = pristine.read(before)
    if not released or not pristine.read(after):
        raise CannotMerge(f"{name} has no tasks")
    # whose answer a cell is, told by the edition that it was written in: a new task may look like one that is gone
    alignment = align(released, theirs)
    result = copy.deepcopy(after)
    places = {grade_id(cell): index for index, cell in enumerate(result.cells) if grade_id(cell)}
    stands: dict[int, int] = {}  # the student's cell → the new notebook's
    for place, index in alignment.found.items():
        ours, given = released[place], theirs.cells[index]
        at = places.get(ours["grade_id"])
        if at is None:
            continue
        stands[index] = at
        if is_answer(ours) and not same_text(given.source, ours["source"]):
            _answer(result.cells[at], given)
    own = _own_cells(before, theirs, after, stands)
    behind: dict[int, list[NotebookNode]] = {}
    for index in own:  # behind the nearest cell before it that the new notebook has, too
        at = next((stands[i] for i in range(index - 1, -1, -1) if i in stands), -1)
        behind.setdefault(at, []).append(_ordinary(theirs.cells[index], after))
    cells = [*behind.get(-1, [])]
    for at, cell in enumerate(result.cells):
        cells += [cell, *behind.get(at, [])]
    result.cells = _distinct_ids(cells)
    return notebook_text(result).encode()


def _answer(cell: NotebookNode, given: NotebookNode) -> None:
    """Put a student's answer into the new notebook's cell, with what came of it when it ran."""
    is_code = cell.cell_type == given.cell_type == "code"
    cell.source = unfenced(given.source) if cell.cell_type == "code" and not is_code else given.source
    if is_code:
        cell.outputs, cell.execution_count = copy.deepcopy(given.outputs), given.execution_count


def _own_cells(before: NotebookNode, theirs: NotebookNode, after: NotebookNode, stands: dict[int, int]) -> list[int]:
    """The student's cells that neither edition has, or that they changed; what they left alone gives its place."""
    was = {(cell.cell_type, cell.source.strip()) for cell in before.cells}
    now: dict[tuple[str, str], int] = {}
    for at, cell in enumerate(after.cells):
        now.setdefault((cell.cell_type, cell.source.strip()), at)
    own = []
    for index, cell in enumerate(theirs.cells):
        if index in stands or not cell.source.strip():
            continue
        key = (cell.cell_type, cell.source.strip())
        if key in now:
            stands[index] = now[key]
        elif key not in was:
            own.append(index)
    return own


def _ordinary(cell: NotebookNode, after: NotebookNode) -> NotebookNode:
    """A copy without graders' marks, and without an id that the new notebook has for a cell of its own."""
    cell = copy.deepcopy(cell)
    for key in ("nbgrader", "deletable", "editable"):
        cell.metadata.pop(key, None)
    if cell.get("id") in {other.get("id") for other in after.cells}:
        del cell["id"]
    return cell


def _distinct_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Of two cells with one id (editors copy them so) the second loses it, and gets another when it is written."""
    seen: set[str] = set()
    for cell in cells:
        if cell.get("id") in seen:
            del cell["id"]
        elif "id" in cell:
            seen.add(cell["id"])
    return cells


def _read(name: str, content: bytes) -> NotebookNode:
    if not name.endswith(".ipynb"):
        raise CannotMerge(f"{name} is no notebook")
    try:
        return parse_notebook(content.decode("utf-8"), Path(name))
    except (CourseError, UnicodeDecodeError) as error:
        raise CannotMerge(str(error)) from error
