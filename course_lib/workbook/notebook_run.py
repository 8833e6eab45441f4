"""Run one notebook from top to bottom in this process's care, with papermill's engine, in a state of its own."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from course_lib.workbook.failures import Failure, Place, at_cell, dead_kernel_reason, from_error_output, stopped
from course_lib.workbook.notebook_io import KERNEL
from course_lib.workbook.quick_import import notebook_library
from course_lib.workbook.state import working_state

if TYPE_CHECKING:
    from nbformat import NotebookNode

OnCell = Callable[[int, int, str], None]


@dataclass
class Execution:
    """A notebook after a run: with its outputs up to ``failure``, or to its end when that is None.

    ``seconds`` are those of each code cell that ran, by the cell's number.
    """

    notebook: NotebookNode
    failure: Failure | None = None
    seconds: dict[int, float] = field(default_factory=dict)


def execute(
    notebook: NotebookNode,
    *,
    parameters: Mapping[str, Any] | None = None,
    kernel: str = KERNEL,
    timeout: float | None = 600,
    start_timeout: float = 120,
    environment: Mapping[str, str] | None = None,
    on_cell: OnCell | None = None,
) -> Execution:
    """Run a copy of a notebook in a fresh kernel, working folder and state folder, removed afterwards.

    ``timeout`` and ``start_timeout`` are in seconds (per cell; until the kernel answers). ``environment`` is
    added to the kernel's. ``on_cell(done, all, text)`` is called before each code cell. A cell tagged
    ``raises-exception`` may raise. A failure is returned, never raised.
    """
    with working_state(env=environment) as state:
        run = _Run(notebook, parameters or {}, on_cell)
        settings = {
            "kernel_name": kernel,
            "timeout": timeout,
            "startup_timeout": start_timeout,
            "resources": {"metadata": {"path": str(state.folder)}},
            "config": state.kernel_config(),
        }
        return run.go(settings, state.env)


class _Run:
    """One execution: papermill's bookkeeping, nbclient's hooks, and what they saw."""

    def __init__(self, notebook: NotebookNode, parameters: Mapping[str, Any], on_cell: OnCell | None) -> None:
        self.on_cell = on_cell
        self.place, self.notebook = _prepare(notebook, parameters)
        self.to_run = [
            i for i, cell in enumerate(self.notebook.cells) if cell.cell_type == "code" and cell.source.strip()
        ]
        self.started = 0
        self.current: int | None = None
        self.process: Any = None
        self.client: Any = None

    def go(self, settings: dict[str, Any], environment: dict[str, str]) -> Execution:
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
        from papermill.clientwrap import PapermillNotebookClient
        from papermill.engines import NotebookExecutionManager

        manager = NotebookExecutionManager(self.notebook, progress_bar=False)
        manager.notebook_start()
        failure = None
        try:
            self.client = PapermillNotebookClient(manager, log=_quiet(), on_cell_start=self._cell_starts, **settings)
            self.client.execute(env=environment)
        except DeadKernelError:
            failure = self._at_current("dead_kernel", dead_kernel_reason(self._exit_code()))
        except CellTimeoutError:
            limit = settings["timeout"]
            failure = self._at_current("timeout", f"this cell ran for more than {limit:g} seconds, the limit")
        except NoSuchKernel as error:
            failure = Failure("not_started", f"there is no kernel “{error.name}” here; `make setup` installs it")
        except (RuntimeError, OSError) as error:
            failure = self._at_current("not_started", f"the kernel did not start: {error}")
        finally:
            manager.notebook_complete()
        return Execution(manager.nb, failure or self._raised() or self._ended_early(), self._seconds())

    def _cell_starts(self, cell: NotebookNode, cell_index: int) -> None:
        self.current = cell_index
        self.process = getattr(getattr(self.client.km, "provisioner", None), "process", None)
        if cell_index in self.to_run:
            self.started += 1
            if self.on_cell:
                self.on_cell(self.started, len(self.to_run), cell.source)

    def _at_current(self, kind: str, reason: str) -> Failure:
        if self.current is None:
            return Failure(kind, reason)
        return at_cell(self.notebook, self.current, self.place, kind=kind, reason=reason)

    def _exit_code(self) -> int | None:
        poll = getattr(self.process, "poll", None)
        return poll() if poll else None

    def _raised(self) -> Failure | None:
        for index in self.to_run[: self.started]:
            cell = self.notebook.cells[index]
            for output in cell.outputs:
                if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                    return from_error_output(self.notebook, index, output, self.place)
        return None

    def _ended_early(self) -> Failure | None:
        """A cell can end a notebook without an error that shows: a failing magic does."""
        if self.current is None:
            return None
        last = self.current == len(self.notebook.cells) - 1
        if last and not _marked_failed(self.notebook.cells[self.current]):
            return None
        return stopped(self.notebook, self.current, self.place)

    def _seconds(self) -> dict[int, float]:
        cells = self.notebook.cells
        times = {self.place.number(i): cells[i].metadata.papermill.get("duration") for i in self.to_run}
        return {number: round(time, 3) for number, time in times.items() if time is not None}


def _prepare(notebook: NotebookNode, parameters: Mapping[str, Any]) -> tuple[Place, NotebookNode]:
    """A copy with papermill's metadata and parameters, without outputs of earlier runs."""
    notebook_library("papermill")
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    prepared = load_notebook_node(bare)
    cells = len(prepared.cells)
    if not parameters:
        return Place(cells), prepared
    prepared = parameterize_notebook(prepared, dict(parameters), kernel_name=KERNEL, language="python")
    injected = next(
        i for i, cell in enumerate(prepared.cells) if "injected-parameters" in cell.metadata.get("tags", [])
    )
    prepared.cells[injected].metadata.setdefault("papermill", {})
    return Place(cells, injected), prepared


def _marked_failed(cell: NotebookNode) -> bool:
    allowed = "raises-exception" in cell.metadata.get("tags", [])
    return bool(cell.metadata.get("papermill", {}).get("exception")) and not allowed


def _quiet() -> logging.Logger:
    """A log that says nothing: whatever matters comes back as a Failure."""
    log = logging.getLogger("course_lib.notebook_run")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    return log
