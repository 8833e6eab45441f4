"""Put a student's notebook back into the form of the release, with every answer kept.

Used twice: in memory, to run a notebook the way it will be graded, and on the file, when the student asks.
"""

from __future__ import annotations

import copy
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.workbook.alignment import Alignment, is_answer, same_text, unfenced
from course_lib.workbook.canonical import KERNELSPEC
from course_lib.workbook.files import write_bytes
from course_lib.workbook.notebook_io import write_notebook
from course_lib.workbook.quick_import import notebook_library

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from course_lib.workbook.pristine import PristineCell


def repaired(
    notebook: NotebookNode, released: list[PristineCell], alignment: Alignment, course: dict | None = None
) -> NotebookNode:
    """A copy with all graded cells there once, in order, of their type and marked, tests as released.

    Answers keep the student's text; a second answer to a task stays as an ordinary cell. Cells that the student
    added stay behind the cell they stood behind. ``course`` is the release's own metadata, put back when given.
    """
    result = copy.deepcopy(notebook)
    result.metadata["kernelspec"] = dict(KERNELSPEC)
    result.metadata.pop("orig_nbformat", None)
    result.nbformat, result.nbformat_minor = 4, max(5, result.nbformat_minor)
    if course is not None:
        result.metadata["course"] = copy.deepcopy(course)
    stay = {index: place for place, index in alignment.found.items() if place not in alignment.moved}
    groups = _groups(result.cells, stay, alignment, released)
    cells = groups.pop(None, [])
    waiting: list[NotebookNode] = []
    for place, ours in enumerate(released):
        index = alignment.found.get(place)
        graded = _graded_cell(ours, result.cells[index] if index is not None else None)
        if place in groups:
            cells += [*waiting, graded]
            waiting = groups[place]
        elif is_answer(ours):  # below the text that explains the task
            cells += [*waiting, graded]
            waiting = []
        else:  # a test or text stands right behind the cell before it
            cells.append(graded)
    result.cells = _distinct_ids([*cells, *waiting], released)
    return result


def write_repair(path: Path, notebook: NotebookNode, now: datetime | None = None) -> Path:
    """Save a repaired notebook over ``path``, after a copy of the file as it is; returns the copy's path."""
    stamp = (now or datetime.now()).strftime("%Y%m%d-%H%M%S")
    backup = path.with_name(f"{path.name}.{stamp}.bak")
    count = 1
    while backup.exists():
        count += 1
        backup = path.with_name(f"{path.name}.{stamp}-{count}.bak")
    write_bytes(backup, path.read_bytes())
    write_notebook(path, notebook)
    return backup


def _groups(
    cells: list[NotebookNode], stay: dict[int, int], alignment: Alignment, released: list[PristineCell]
) -> dict[int | None, list[NotebookNode]]:
    """The student's own cells by the released cell they stand behind (None: before the first)."""
    groups: dict[int | None, list[NotebookNode]] = {None: []}
    graded = set(alignment.found.values())
    place = None
    for index, cell in enumerate(cells):
        if index in stay:
            place = stay[index]
            groups[place] = []
        elif index in alignment.copies:
            ours = released[alignment.copies[index]]
            if not same_text(cell.source, ours["source"]) and cell.source.strip():
                groups[place].append(_unmarked(cell))
        elif index not in graded:
            groups[place].append(cell)
    return groups


def _graded_cell(ours: PristineCell, cell: NotebookNode | None) -> NotebookNode:
    nbformat = notebook_library("nbformat")
    is_code = ours["cell_type"] == "code"
    text = ours["source"]
    if cell is not None and is_answer(ours):
        text = unfenced(cell.source) if is_code and cell.cell_type != "code" else cell.source
    new = (nbformat.v4.new_code_cell if is_code else nbformat.v4.new_markdown_cell)(text)
    if cell is not None:
        new.metadata.update(copy.deepcopy(cell.metadata))
        if is_code and cell.cell_type == "code" and cell.source == text:
            new.outputs, new.execution_count = copy.deepcopy(cell.outputs), cell.execution_count
    new.metadata["nbgrader"] = copy.deepcopy(ours["nbgrader"])
    new.metadata["deletable"] = False
    if not is_answer(ours):
        new.metadata["editable"] = False
    new["id"] = ours["id"] or ours["grade_id"]
    return new


def _unmarked(cell: NotebookNode) -> NotebookNode:
    """A copied cell as an ordinary one, so that it is kept and graders don't meet it twice."""
    for key in ("nbgrader", "deletable", "editable"):
        cell.metadata.pop(key, None)
    return cell


def _distinct_ids(cells: list[NotebookNode], released: list[PristineCell]) -> list[NotebookNode]:
    """Give each cell an id of its own; released cells keep theirs, and a missing one comes with writing."""
    ours = {cell["id"] or cell["grade_id"] for cell in released}
    seen: set[str] = set()
    for cell in cells:
        marked = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.get("id") in seen or (cell.get("id") in ours and not marked):
            del cell["id"]
        elif "id" in cell:
            seen.add(cell["id"])
    return cells
