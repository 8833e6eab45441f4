"""The command `course check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.workbook.check import CheckReport, TaskCheck

_MARKS = {"passed": "ok   ", "written": "ok   ", "failed": "FAILS", "unanswered": "open ", "not_run": "?    "}


def check(
    notebook: Annotated[Path, typer.Argument(help="Your notebook, such as modules/01_intro/exercises.ipynb.")],
    repair: Annotated[
        bool, typer.Option("--repair", help="Put damaged cells back; keeps your answers, and a copy of the file.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one cell may take.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Check a notebook before you hand it in: do the tests pass, and is everything there?"""
    from course_lib.cli.console import emit, say
    from course_lib.workbook.check import check as check_notebook

    if notebook.is_file():
        say(f"Running a copy of {notebook} from top to bottom …")
    report = check_notebook(notebook, timeout=timeout)
    backup = _repair(report) if repair and report.findings else None
    if as_json:
        emit(report.as_dict() | {"backup": str(backup) if backup else None})
    for line in _lines(report, backup):
        say(line)
    # a repaired notebook is whole; what is left to do is in its tasks
    if not (all(task.ok for task in report.tasks) if backup else report.ok):
        raise typer.Exit(1)


def _repair(report: CheckReport) -> Path:
    from course_lib.workbook.repair import write_repair

    return write_repair(report.path, report.whole)


def _lines(report: CheckReport, backup: Path | None) -> list[str]:
    lines = [""]
    for task in report.tasks:
        lines += _task_lines(task, report.is_quiz)
    lines += [f"note  {note}" for note in report.notes]
    if report.findings:
        lines += ["", "Not as it was released:" if not backup else "Was not as released, and is again:"]
        lines += [f"  - {finding.text}" for finding in report.findings]
    return [*lines, "", *_verdict(report, backup)]


def _task_lines(task: TaskCheck, is_quiz: bool) -> list[str]:
    if task.status == "passed":
        told = "can be graded" if is_quiz else "passes the tests you can see"
    elif task.status == "written":
        told = f"{task.words} {'word' if task.words == 1 else 'words'}, graded by hand"
    elif task.status == "unanswered":
        told = f"not answered: {task.message}"
    else:
        told = {"failed": "fails", "not_run": "could not be run"}[task.status]
    worth = f"({task.points:g} {'point' if task.points == 1 else 'points'})"
    detail = task.message.splitlines() if task.status in ("failed", "not_run") else []
    return [f"{_MARKS[task.status]} {task.name} {worth}: {told}", *(f"        {line}" for line in detail[:12])]


def _verdict(report: CheckReport, backup: Path | None) -> list[str]:
    ready = sum(task.ok for task in report.tasks)
    lines = []
    if backup:
        lines += [
            f"Repaired {report.path}. The file as it was: {backup}",
            "If the notebook is open in JupyterLab: File → Reload Notebook from Disk, before you save.",
        ]
    elif report.findings:
        lines.append(f"To put these cells back and keep your answers: course check {report.path} --repair")
    lines.append(f"{ready} of {len(report.tasks)} tasks are ready.")
    if ready == len(report.tasks) and (backup or not report.findings):
        hidden = "Whether the answers are right" if report.is_quiz else "More tests run when it is graded. Your result"
        lines.append(f"{hidden} comes with your graded notebook. Hand in with: course submit")
    return lines
