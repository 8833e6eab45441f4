"""Execute a notebook in a working state of its own, and look at what its outputs hold that they should not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.paths import project_root
from course_lib.workbook.canonical import tidy_execution
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

    ``name`` stands in messages; ``progress(done, cells)`` is called after each cell. Raises ExecutionFailed.
    """
    nbclient = notebook_library("nbclient")
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    current = [0]

    def done(cell_index: int, **_: Any) -> None:
        current[0] = cell_index + 1
        if progress:
            progress(cell_index + 1, len(notebook.cells))

    with working_state(files, env) as state:
        client = kernel_client(nbclient, notebook, state, timeout=timeout, on_cell_complete=done)
        try:
            client.execute(env=state.env)
        except CellExecutionError as error:
            raise ExecutionFailed(_explain(notebook, name, f"{error.ename}: {error.evalue}")) from error
        except CellTimeoutError as error:
            raise ExecutionFailed(_explain(notebook, name, f"no answer within {timeout:g} s", current[0])) from error
        except DeadKernelError as error:
            raise ExecutionFailed(_explain(notebook, name, "the kernel died", current[0])) from error
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


def _explain(notebook: NotebookNode, name: str, reason: str, index: int | None = None) -> str:
    """Name the cell that failed, show it, and say why."""
    failed = next((i for i, c in enumerate(notebook.cells) if _has_error(c)), index or 0)
    source = notebook.cells[failed].source if failed < len(notebook.cells) else ""
    lines = source.splitlines()
    shown = "\n".join(f"    {line}" for line in lines[:12]) + ("\n    …" if len(lines) > 12 else "")
    return f"{name}: cell {failed + 1} of {len(notebook.cells)} fails: {_ANSI.sub('', reason)}\n{shown}"


def _has_error(cell: NotebookNode) -> bool:
    tags = cell.metadata.get("tags", [])
    return (
        cell.cell_type == "code"
        and "raises-exception" not in tags
        and any(output.output_type == "error" for output in cell.outputs)
    )
