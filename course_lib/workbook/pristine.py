"""What a released notebook was before anybody worked in it.

A student may delete, copy, retype or edit any cell, on purpose or not. So that ``course check`` can say which
cells changed and put them back without the instructor's files, a release carries its own graded cells in the
notebook's metadata, under ``course.pristine``; nbgrader leaves foreign metadata alone. Hidden tests and
solutions are gone by the time a release is made, so this adds nothing that a student may not see.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from nbformat import NotebookNode

KEY = "course"


class PristineCell(TypedDict):
    """A graded, answer or read-only cell as it was released; ``nbgrader`` is its nbgrader metadata."""

    grade_id: str
    id: str | None
    cell_type: str
    source: str
    nbgrader: dict[str, Any]


def embed(notebook: NotebookNode) -> NotebookNode:
    """Record in a release's metadata its nbgrader cells, in order, and a digest of all its cells.

    Works in place and returns the notebook. Call it last: hidden tests and solutions must be gone.
    """
    entry = notebook.metadata.setdefault(KEY, {})
    entry["pristine"] = [_pristine(cell) for cell in notebook.cells if _grade_id(cell)]
    entry["digest"] = digest(notebook)
    return notebook


def read(notebook: NotebookNode) -> list[PristineCell] | None:
    """The nbgrader cells as they were released, in order; None when this is no release (or lost its metadata)."""
    entry = notebook.metadata.get(KEY)
    cells = entry.get("pristine") if isinstance(entry, dict) else None
    if not isinstance(cells, list) or not all(_is_pristine(cell) for cell in cells):
        return None
    return copy.deepcopy(cells)


def digest(notebook: NotebookNode) -> str:
    """A fingerprint of what a person can edit: each cell's type, text and nbgrader metadata, in order.

    Outputs, counters, cell ids and what JupyterLab writes while saving don't count.
    """
    cells = [(cell.cell_type, cell.source, cell.metadata.get("nbgrader")) for cell in notebook.cells]
    text = json.dumps(cells, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_untouched(notebook: NotebookNode) -> bool:
    """True when the notebook is, cell for cell, the release it says it is (executed or not)."""
    entry = notebook.metadata.get(KEY)
    return isinstance(entry, dict) and entry.get("digest") == digest(notebook)


def _grade_id(cell: NotebookNode) -> str | None:
    nbgrader = cell.metadata.get("nbgrader")
    return nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None


def _pristine(cell: NotebookNode) -> PristineCell:
    nbgrader = copy.deepcopy(dict(cell.metadata["nbgrader"]))
    return PristineCell(
        grade_id=nbgrader["grade_id"],
        id=cell.get("id"),
        cell_type=cell.cell_type,
        source=cell.source,
        nbgrader=nbgrader,
    )


def _is_pristine(cell: Any) -> bool:
    return (
        isinstance(cell, dict)
        and all(isinstance(cell.get(key), str) for key in ("grade_id", "cell_type", "source"))
        and isinstance(cell.get("nbgrader"), dict)
    )
