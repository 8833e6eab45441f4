"""Notebooks as files: were they run from top to bottom, and what is left when their outputs are taken out.

A notebook remembers for each code cell the number at which it was run. That number is the only trace of an
order that its reader cannot see.
"""

from __future__ import annotations

import copy
import itertools
import os
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from course_lib.errors import CourseError, UsageError

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from traitlets.config import Config


class Problem(NamedTuple):
    """A reason not to believe a notebook's outputs: ``kind`` is a word or two, ``text`` says where and why."""

    kind: str
    text: str


def notebook_problems(notebook: NotebookNode | str | os.PathLike[str]) -> list[Problem]:
    """Why a notebook's outputs may not be what its code gives; empty for one that ran from top to bottom.

    Kinds: ``not run``, ``half run``, ``out of order``, ``gap`` (a cell was run twice, or one is gone) and
    ``error``. Cells without code do not count. An edit after the run leaves no trace: an empty list is not a
    proof, running again is. Raises UsageError for a missing file, CourseError for one that is no notebook.
    """
    if isinstance(notebook, (str, os.PathLike)):
        notebook = _read(Path(notebook))
    cells = [
        (number, cell)
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "code" and cell.source.strip()
    ]
    counts = [(number, cell.execution_count) for number, cell in cells if cell.execution_count is not None]
    problems = [*_unrun(cells, counts), *_disorder(counts)]
    return problems + [
        Problem("error", f"cell {number} stopped with {output.get('ename')}")
        for number, cell in cells
        for output in cell.outputs
        if output.output_type == "error"
    ]


def strip_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy without what running adds: outputs and execution counts."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)  # when each cell ran, in some notebooks
    return bare


def run_cells(
    notebook: NotebookNode, order: Sequence[int] | None = None, *, kernel: str = "python3", timeout: float = 60
) -> NotebookNode:
    """Run a notebook's cells in a fresh kernel, in any order: a copy with the outputs and counts that gives.

    ``order`` lists positions from 0 (default: every code cell from top to bottom); one may come twice, as
    with a person at the keyboard. A cell that raises keeps its error as output, and the next one runs all the
    same. ``timeout`` is in seconds and for each cell.
    """
    from nbclient import NotebookClient

    done = strip_outputs(notebook)
    code = [position for position, cell in enumerate(done.cells) if cell.cell_type == "code"]
    order = code if order is None else list(order)
    if strange := [position for position in order if position not in code]:
        raise UsageError(f"Positions {strange} are no code cells; there are code cells at {code}.")
    with tempfile.TemporaryDirectory(prefix="cells-", ignore_cleanup_errors=True) as folder:
        client = NotebookClient(
            done,
            config=_kernel_config(Path(folder) / "kernel.json"),
            kernel_name=kernel,
            timeout=timeout,
            allow_errors=True,
            record_timing=False,
        )
        with client.setup_kernel(stderr=subprocess.DEVNULL):  # the kernel's own log; errors of cells are outputs
            for position in order:
                client.execute_cell(done.cells[position], position)
    return done


def _kernel_config(connection_file: Path) -> Config:
    """Talk to the kernel over sockets in a folder where the system has them: ports can collide."""
    from traitlets.config import Config

    config = Config()
    config.KernelManager.connection_file = str(connection_file)
    # a socket's path may have 104 bytes on macOS, and Jupyter adds a few to the name of the file
    if os.name == "posix" and len(os.fsencode(connection_file)) <= 90:
        config.KernelManager.transport = "ipc"
    return config


def _read(path: Path) -> NotebookNode:
    import nbformat

    if not path.is_file():
        raise UsageError(f"There is no notebook {path.name} in {path.parent}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notebook without cell ids is no less a notebook
            return nbformat.read(path, as_version=4)
    except (nbformat.ValidationError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise CourseError(f"{path.name} cannot be read as a notebook: {type(error).__name__}.") from error


def _unrun(cells: list, counts: list) -> list[Problem]:
    if not cells or len(counts) == len(cells):
        return []
    if not counts:
        return [Problem("not run", f"none of its {len(cells)} code cells was run")]
    ran = {number for number, _ in counts}
    missing = ", ".join(str(number) for number, _ in cells if number not in ran)
    return [Problem("half run", f"not run, while others were: cell {missing}")]


def _disorder(counts: list[tuple[int, int]]) -> list[Problem]:
    problems = [
        Problem("out of order", f"cell {lower} ran as [{after}], and cell {upper} above it as [{before}]")
        for (upper, before), (lower, after) in itertools.pairwise(counts)
        if after <= before
    ]
    numbers = sorted(count for _, count in counts)
    if numbers != list(range(1, len(numbers) + 1)):
        seen = ", ".join(map(str, numbers))
        problems.append(Problem("gap", f"the counts are {seen}; one clean run from the top gives 1 to {len(numbers)}"))
    return problems
