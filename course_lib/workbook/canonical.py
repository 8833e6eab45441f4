"""The one form of a built notebook: the same text gives the same bytes, outputs aside.

Cell ids derive from the text (Jupytext does not keep them), counters run from 1, and nothing of the machine
or the moment that executed the notebook stays in its metadata.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from course_lib.workbook.quick_import import notebook_library

if TYPE_CHECKING:
    from nbformat import NotebookNode

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def new_notebook(cells: Iterable[NotebookNode], course: dict[str, Any]) -> NotebookNode:
    """A notebook of these cells, not executed; ``course`` is what we note in its metadata."""
    nbformat = notebook_library("nbformat")
    metadata = {"course": course, "kernelspec": dict(KERNELSPEC), "language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata=metadata)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    _assign_ids(notebook.cells)
    return notebook


def markdown_cell(source: str, **metadata: Any) -> NotebookNode:
    """A text cell; its id comes when the notebook is put together."""
    return notebook_library("nbformat").v4.new_markdown_cell(source, metadata=metadata)


def code_cell(source: str, **metadata: Any) -> NotebookNode:
    """A code cell without outputs; its id comes when the notebook is put together."""
    return notebook_library("nbformat").v4.new_code_cell(source, metadata=metadata)


def tidy_execution(notebook: NotebookNode) -> NotebookNode:
    """Take what an execution left besides outputs out of a notebook, in place, and count its cells from 1."""
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata.pop("widgets", None)
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        executed = bool(cell.source.strip())
        count += executed
        cell.execution_count = count if executed else None
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return notebook


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy as the text alone gives it: no outputs, no counters."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def _assign_ids(cells: list[NotebookNode]) -> None:
    """Graded cells go by their grade id (a hash of a solution could be guessed from), the others by their text."""
    seen: dict[str, int] = {}
    for cell in cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if not name:
            text = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
            seen[text] = seen.get(text, 0) + 1
            name = text if seen[text] == 1 else f"{text}-{seen[text]}"
        cell["id"] = name
