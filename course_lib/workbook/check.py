"""What a student asks before handing in: does it work, and is it whole? The file itself is never touched.

The notebook is put into the form of the release in memory, run there from top to bottom in a fresh kernel as
graders do, and each task's visible tests are looked at.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import UsageError
from course_lib.workbook.alignment import Finding, align, grade_id, is_answer, same_text
from course_lib.workbook.failures import dead_kernel_reason
from course_lib.workbook.notebook_io import WrongKernel, kernel_name, read_notebook
from course_lib.workbook.quick_import import notebook_library
from course_lib.workbook.released import Release, find_release
from course_lib.workbook.repair import repaired

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT = 60.0  # seconds
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class TaskCheck:
    """One task: ``status`` is passed, failed, unanswered, not_run or written.

    ``message`` says why a task failed; ``words`` counts a written answer; ``points`` is what the task is worth.
    """

    name: str
    status: str
    points: float
    message: str = ""
    words: int | None = None

    @property
    def ok(self) -> bool:
        """Nothing left to do here before handing in."""
        return self.status in ("passed", "written")


@dataclass
class CheckReport:
    """What `check` found; ``whole`` is the notebook in the form of the release, with the student's answers."""

    path: Path
    is_quiz: bool
    findings: list[Finding]
    tasks: list[TaskCheck]
    whole: NotebookNode
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when the notebook is whole and every task is ready."""
        return not self.findings and all(task.ok for task in self.tasks)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "notebook": str(self.path),
            "ok": self.ok,
            "tasks": [asdict(task) for task in self.tasks],
            "findings": [asdict(finding) for finding in self.findings],
            "notes": self.notes,
        }


def check(path: Path, *, timeout: float = CELL_TIMEOUT, root: Path | None = None) -> CheckReport:
    """Check a student's notebook; ``timeout`` is in seconds for each cell.

    Raises UsageError for a notebook without tasks, and the reader's errors for a file that is no notebook.
    """
    notebook = read_notebook(path, upgrade=True)
    findings = _file_findings(path, notebook)
    release = find_release(path, notebook, root)
    if not release.cells:
        raise UsageError(f"{path} has no tasks, so there is nothing to check in it. Tasks are in exercises and quiz.")
    alignment = align(release.cells, notebook)
    findings += alignment.findings
    if release.found_in != "the notebook itself":
        text = f"the notebook lost its record of the released cells; {release.found_in} still has it"
        findings.insert(0, Finding("unmarked", "", None, text))
    whole = repaired(notebook, release.cells, alignment, release.course)
    run, died = _run(whole, timeout)
    tasks = [_task(answer, tests, run, died) for answer, tests in _tasks(release)]
    return CheckReport(path, release.is_quiz, findings, tasks, whole, _notes(run, release))


def damage(path: Path, *, root: Path | None = None) -> list[Finding]:
    """What of a notebook is not as it was released, without running it. Raises as `check` does."""
    notebook = read_notebook(path, upgrade=True)
    release = find_release(path, notebook, root)
    return _file_findings(path, notebook) + align(release.cells, notebook).findings


def _file_findings(path: Path, notebook: NotebookNode) -> list[Finding]:
    findings = []
    if old := notebook.metadata.get("orig_nbformat"):
        findings.append(Finding("format", "", None, f"the file is in the old format {old}, which graders don't read"))
    try:
        kernel_name(notebook, path)
    except WrongKernel:
        name = notebook.metadata.kernelspec.get("display_name", "another kernel")
        findings.append(Finding("kernel", "", None, f"the notebook is set to the kernel “{name}”, not to Python 3"))
    return findings


def _run(whole: NotebookNode, timeout: float) -> tuple[NotebookNode, tuple[int, str] | None]:
    """A copy with fresh outputs of all cells; and where the kernel died, if it did: cell index and reason."""
    nbclient = notebook_library("nbclient")
    from nbclient.exceptions import DeadKernelError

    from course_lib.workbook.canonical import without_outputs
    from course_lib.workbook.execute import kernel_client
    from course_lib.workbook.state import working_state

    run, current = without_outputs(whole), 0

    def starts(cell_index: int, **_: Any) -> None:
        nonlocal current
        current = cell_index

    options = {"timeout": timeout, "allow_errors": True, "interrupt_on_timeout": True, "on_cell_start": starts}
    with working_state() as state:
        try:
            kernel_client(nbclient, run, state, **options).execute(env=state.env)
        except DeadKernelError:
            return run, (current, dead_kernel_reason(None))
    return run, None


def _tasks(release: Release) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each answer with its tests: those named after it, else those that follow it."""
    answers = {cell["grade_id"]: cell for cell in release.cells if is_answer(cell)}
    tests: dict[str, list[Any]] = {name: [] for name in answers}
    last = ""
    for cell in release.cells:
        name = cell["grade_id"]
        if name in answers:
            last = name
        elif cell["nbgrader"].get("grade"):
            owner = name.partition("-test")[0]
            tests.setdefault(owner if owner in answers else last, []).append(cell)
    return [(answers[name], tests[name]) for name in answers]


def _task(answer: Any, tests: list[Any], run: NotebookNode, died: tuple[int, str] | None) -> TaskCheck:
    name = answer["grade_id"]
    points = sum(cell["nbgrader"].get("points") or 0 for cell in (answer, *tests))
    at = {grade_id(cell): index for index, cell in enumerate(run.cells)}
    given = run.cells[at[name]].source
    untouched = same_text(given, answer["source"]) or not given.strip()
    if not tests:  # graded by hand
        if untouched:
            return TaskCheck(name, "unanswered", points, "still the placeholder")
        return TaskCheck(name, "written", points, words=len(_WORD.findall(given)))
    if untouched:
        return TaskCheck(name, "unanswered", points, "still as it was released")
    for cell in (answer, *tests):
        index = at[cell["grade_id"]]
        if died and index >= died[0]:
            where = "" if index == died[0] else f" (in cell {died[0] + 1})"
            status = "failed" if index == died[0] else "not_run"
            return TaskCheck(name, status, points, died[1] + where)
        if reason := _error(run.cells[index]):
            where = "your answer's cell stops with " if cell is answer else ""
            return TaskCheck(name, "failed", points, where + reason)
    return TaskCheck(name, "passed", points)


def _error(cell: NotebookNode) -> str:
    """What a cell's error says, or "" when it ran: an assertion's own words, else the kind of error and them."""
    for output in cell.get("outputs", []):
        if output.output_type != "error":
            continue
        value = _COLOURS.sub("", output.evalue).strip()
        if output.ename == "KeyboardInterrupt":
            return "it ran too long and was interrupted; is there a loop that never ends?"
        if output.ename == "AssertionError" and value:
            return value
        return f"{output.ename}: {value}" if value else output.ename
    return ""


def _notes(run: NotebookNode, release: Release) -> list[str]:
    """Errors in cells of the student's own: they cost nothing by themselves, and may explain a failure."""
    marked = {cell["grade_id"] for cell in release.cells}
    notes = []
    for cell in run.cells:
        if cell.cell_type == "code" and grade_id(cell) not in marked and (reason := _error(cell)):
            first = next(iter(cell.source.strip().splitlines()), "")
            notes.append(f"a cell that is no task stops with {reason.splitlines()[0]} (it begins: {first[:60]})")
    return notes
