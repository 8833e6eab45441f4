"""Progress of `course run` on stderr: bars for people at a terminal, one line per notebook for logs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_lib.workbook.run import Progress, RunResult

_LABEL = 44  # characters of a cell's first line that fit beside the bar


@contextmanager
def run_progress() -> Iterator[Callable[[Progress], None]]:
    """A function to hand to ``run_notebooks(progress=…)``."""
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:24}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[cell]}", style="dim", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars)


def finished_line(result: RunResult) -> str:
    """One line about a notebook that has run."""
    time = f"{result.seconds:6.1f} s"
    if result.failure is None:
        return f"ok      {result.title:24} {time}  {len(result.cell_seconds)} code cells"
    return f"FAILED  {result.title:24} {time}  {result.failure.headline()}"


def _print_line(event: Progress) -> None:
    if event.result is not None:
        print(finished_line(event.result), file=sys.stderr, flush=True)


class _Bars:
    """A bar for each notebook that is running; finished ones become lines above."""

    def __init__(self, bars: Any) -> None:
        self.bars = bars
        self.tasks: dict[str, Any] = {}

    def __call__(self, event: Progress) -> None:
        if event.kind == "started":
            self.tasks[event.title] = self.bars.add_task(event.title, total=None, cell="starting its kernel")
        elif event.kind == "cell":
            first_line = event.source.strip().splitlines()[0][:_LABEL]
            # the last cell to begin is still running
            self.bars.update(self.tasks[event.title], total=event.cells, completed=event.done - 1, cell=first_line)
        elif event.result is not None:
            self.bars.remove_task(self.tasks.pop(event.title))
            self.bars.console.print(finished_line(event.result), markup=False, highlight=False)
