"""Execute a notebook in a working state of its own, and look at what its outputs hold that they should not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.paths import project_root
from course_lib.workbook.canonical import tidy_execution
from course_lib.workbook.failures import Failure, Place, at_cell, dead_kernel_reason, from_error_output
from course_lib.workbook.quick_import import notebook_library
from course_lib.workbook.state import WorkingState, working_state

if TYPE_CHECKING:
    from pathlib import Path

    from nbclient import NotebookClient
    from nbformat import NotebookNode

CELL_TIMEOUT = 600  # seconds
KEEP_STDERR = "keep-stderr"  # a tag for the rare cell that shows what a program prints to stderr
_ANSI = re.compile(r"\x1b\[[0-9;]*m")

Progress = Callable[[int, int], None]


class ExecutionFailed(CourseError):
    """A cell raised an error, took too long, or took its kernel with it."""


def execute(
    notebook: NotebookNode,
    name: str,
    *,
    files: Mapping[str, bytes] | None = None,
    env: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    timeout: float = CELL_TIMEOUT,
) -> NotebookNode:
    """Run all cells in place and keep their outputs, tidied; returns the notebook.

    ``name`` stands in messages; ``progress(done, cells)`` is called before each cell. Raises ExecutionFailed.
    """
    nbclient = notebook_library("nbclient")
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    place, current = Place(len(notebook.cells)), 0

    def starts(cell_index: int, **_: Any) -> None:
        nonlocal current
        current = cell_index
        if progress:
            progress(cell_index, len(notebook.cells))

    def failed(kind: str, reason: str) -> ExecutionFailed:
        failure = at_cell(notebook, current, place, kind=kind, reason=reason)
        return ExecutionFailed(_message(name, failure))

    with working_state(files, env) as state:
        client = kernel_client(nbclient, notebook, state, timeout=timeout, on_cell_start=starts)
        try:
            client.execute(env=state.env)
        except CellExecutionError as error:
            output = next(o for o in reversed(notebook.cells[current].outputs) if o.output_type == "error")
            raise ExecutionFailed(_message(name, from_error_output(notebook, current, output, place))) from error
        except CellTimeoutError as error:
            raise failed("timeout", f"this cell ran for more than {timeout:g} seconds, the limit") from error
        except DeadKernelError as error:
            raise failed("dead_kernel", dead_kernel_reason(None)) from error
        problems = output_problems(notebook, [state.folder.parent, project_root()])
    if problems:
        raise ExecutionFailed("\n".join(f"{name}: {problem}" for problem in problems))
    return tidy_execution(notebook)


def kernel_client(nbclient: Any, notebook: NotebookNode, state: WorkingState, **options: Any) -> NotebookClient:
    """nbclient's client for this notebook, its kernel in the given working state."""
    return nbclient.NotebookClient(
        notebook,
        config=state.kernel_config(),
        kernel_name="python3",
        resources={"metadata": {"path": str(state.folder)}},
        record_timing=False,
        store_widget_state=False,
        **options,
    )


def output_problems(notebook: NotebookNode, private: list[Path]) -> list[str]:
    """What should not be stored: errors, text on stderr, and paths of this machine (``private`` folders).

    A cell tagged ``raises-exception`` may fail, one tagged ``keep-stderr`` may print to stderr.
    """
    problems = []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags", [])
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags:
                problems.append(f"cell {number} fails with {output.ename}: {output.evalue}")
            elif output.get("name") == "stderr" and KEEP_STDERR not in tags:
                text = _ANSI.sub("", output.text).strip().splitlines() or [""]
                problems.append(f"cell {number} prints to stderr, which graders count as a failure: {text[-1][:200]}")
            if found := next((str(p) for p in private if str(p) in str(output)), None):
                problems.append(f"cell {number} shows a path of this machine, {found}…: it differs on every other")
    return problems


def _message(name: str, failure: Failure) -> str:
    return f"{name}: {failure.headline()}\n{failure.text()}"
