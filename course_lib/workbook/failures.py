"""What to tell a person about a notebook that stopped: which cell, its text, and the reason, in a few lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINE_IN_CELL = re.compile(r"Cell In\s*\[\d+\],? line (\d+)")
_LIBRARY_FRAME = re.compile(r"^File (.+?):(\d+), in ([^\s(]+)", re.MULTILINE)
# Python names a cell's code after a number of its own: (2102630.py, line 1)
_CELL_FILE = re.compile(r" \(\d+\.py, line \d+\)$")
_SHOWN_LINES = 9
_REASON_LINES = 14

# numbers by which systems end a process, and what that usually means
_ENDINGS = {
    -6: "it aborted itself (a crash in compiled code)",
    -9: "it was killed (signal 9), most often because the computer ran out of memory",
    -11: "it crashed in compiled code (segmentation fault)",
    -15: "it was told to end (signal 15)",
    0xC0000005: "it crashed in compiled code (access violation)",
}


@dataclass(frozen=True)
class Failure:
    """Why a notebook did not run to its end.

    ``kind`` is ``error`` (a cell raised), ``dead_kernel``, ``timeout``, ``stopped`` (a cell ended the notebook
    early) or ``not_started``. ``cell`` counts from 1 among all cells, as in the notebook's text; it and the
    fields after it are None or empty when no cell was reached.
    """

    kind: str
    reason: str
    cell: int | None = None
    cells: int | None = None
    execution_count: int | None = None
    source: str = ""
    line: int | None = None
    raised_in: str = ""

    def headline(self) -> str:
        """One line: where, and the first line of the reason."""
        reason = self.reason.strip().splitlines()[0] if self.reason.strip() else "no reason given"
        return f"{self.where()}: {reason}"

    def where(self) -> str:
        """The cell's place in words."""
        if self.cell is None:
            return "before the first cell"
        count = f" (In [{self.execution_count}])" if self.execution_count else ""
        return f"cell {self.cell} of {self.cells}{count}"

    def text(self) -> str:
        """The cell's text around the line that failed, and the reason, indented."""
        shown = [f"    {line}" for line in _excerpt(self.source, self.line)] if self.source else []
        lines = self.reason.strip().splitlines()
        cut = [f"… ({len(lines) - _REASON_LINES} more lines)"] if len(lines) > _REASON_LINES else []
        reason = [f"  {line}" for line in (*lines[:_REASON_LINES], *cut)]
        where = [f"  raised in {self.raised_in}"] if self.raised_in else []
        return "\n".join([*shown, *reason, *where])


def from_error_output(notebook: NotebookNode, index: int, output: NotebookNode, place: Place) -> Failure:
    """The failure of a cell that raised; ``output`` is its error output."""
    trace = _COLOURS.sub("", "\n".join(output.get("traceback", [])))
    line = _LINE_IN_CELL.search(trace)
    frames = _LIBRARY_FRAME.findall(trace)
    value = _CELL_FILE.sub("", _COLOURS.sub("", output.evalue).strip())
    return at_cell(
        notebook,
        index,
        place,
        kind="error",
        reason=f"{output.ename}: {value}" if value else output.ename,
        line=int(line.group(1)) if line else None,
        raised_in=_library_place(frames[-1]) if frames else "",
    )


def stopped(notebook: NotebookNode, index: int, place: Place) -> Failure:
    """The failure of a cell after which the notebook did not go on, with what the cell last said, if anything."""
    said = [o.text.strip() for o in notebook.cells[index].outputs if o.output_type == "stream" and o.text.strip()]
    last = f"\n{said[-1].splitlines()[-1]}" if said else ""
    reason = f"the notebook stopped at this cell, and the cells after it did not run{last}"
    return at_cell(notebook, index, place, kind="stopped", reason=reason)


@dataclass(frozen=True)
class Place:
    """How a cell's index in the running notebook becomes its number in the notebook that people open."""

    cells: int
    injected: int | None = None

    def number(self, index: int) -> int:
        """The number, from 1; the cell that papermill adds for parameters goes by the cell before it."""
        return index + (0 if self.injected is not None and index >= self.injected else 1)


def at_cell(
    notebook: NotebookNode,
    index: int,
    place: Place,
    *,
    kind: str,
    reason: str,
    line: int | None = None,
    raised_in: str = "",
) -> Failure:
    """A failure at the cell with this index in the running notebook."""
    cell = notebook.cells[index]
    return Failure(
        kind=kind,
        reason=reason,
        cell=place.number(index),
        cells=place.cells,
        execution_count=cell.get("execution_count"),
        source=cell.source,
        line=line,
        raised_in=raised_in,
    )


def dead_kernel_reason(code: int | None) -> str:
    """In plain words, why the Python process behind a notebook ended in the middle."""
    why = _ENDINGS.get(code) if code is not None else None
    if why is None and code is not None:
        why = f"it ended with signal {-code}" if code < 0 else f"it ended itself with exit code {code}"
    tail = f": {why}" if why else ""
    return f"the kernel (the Python process that runs the notebook) died while this cell ran{tail}"


def _excerpt(source: str, line: int | None) -> list[str]:
    lines = source.splitlines()
    first = max(0, min((line or 1) - 1 - _SHOWN_LINES // 2, len(lines) - _SHOWN_LINES))
    shown = lines[first : first + _SHOWN_LINES]
    marked = [f"{'>' if n == line else ' '} {n:>3}  {text}" for n, text in enumerate(shown, first + 1)]
    above = ["       …"] if first else []
    below = ["       …"] if first + _SHOWN_LINES < len(lines) else []
    return [*above, *marked, *below]


def _library_place(frame: tuple[str, str, str]) -> str:
    """A frame's file as people know it, from the package on; "" for Python's own files."""
    file, line, function = frame
    parts = Path(file.replace("\\", "/")).parts
    for mark in ("site-packages", "course_lib"):
        if mark in parts:
            start = parts.index(mark) + (mark == "site-packages")
            return f"{'/'.join(parts[start:])}, line {line} ({function})"
    return ""
