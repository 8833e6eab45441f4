"""Commands of the workbook's authors: build and verify."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.workbook.verify import TaskReport

Modules = Annotated[list[str] | None, typer.Argument(help="Modules, such as 01_intro; all when none is named.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")]

# What the outputs stored with the solutions were made from, whatever this machine is set to.
BUILD_ENV = {"TAXI_DATA": "simulated"}


def register(app: typer.Typer) -> None:
    """Add this wing's commands to the tree."""
    app.command()(build)
    app.command()(verify)


def build(
    modules: Modules = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; list what is stale, and fail if anything is.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Execute all again; replace edited releases, keeping copies.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Build notebooks from the authors' text: executed solutions, and what students open."""
    if check:
        _check(modules or [], as_json)
    else:
        _build(modules or [], force, as_json)


def _build(modules: list[str], force: bool, as_json: bool) -> None:
    from course_lib.cli.console import emit, say
    from course_lib.cli.progress import CellProgress
    from course_lib.paths import project_root
    from course_lib.workbook.build import BuildFailed
    from course_lib.workbook.build import build as build_workbook

    root, start = project_root(), time.perf_counter()
    with CellProgress() as progress:
        report = build_workbook(modules, root=root, force=force, env=BUILD_ENV, progress=progress)
    seconds = round(time.perf_counter() - start, 1)
    files: dict[str, list[str]] = {}
    for entry in report.files:
        name = entry.path.relative_to(root).as_posix()
        files.setdefault(entry.status, []).append(name)
        if entry.status != "unchanged":
            say(f"{entry.status:9} {name}" + (f" ({entry.note})" if entry.note else ""))
    if as_json:
        emit({"files": files, "executed": report.executed, "problems": report.problems, "seconds": seconds})
    if report.problems:
        raise BuildFailed("\n".join(report.problems))
    say(f"{len(report.files)} files, {len(report.executed)} notebooks executed, {seconds} s")


def _check(modules: list[str], as_json: bool) -> None:
    from course_lib.cli.console import emit, say
    from course_lib.errors import CourseError
    from course_lib.paths import project_root
    from course_lib.workbook.freshness import find_stale

    root = project_root()
    stale = [(entry.path.relative_to(root).as_posix(), entry.reasons) for entry in find_stale(modules, root=root)]
    if as_json:
        emit({"stale": [{"file": name, "reasons": list(reasons)} for name, reasons in stale]})
    if stale:
        lines = [f"{name}: {'; '.join(reasons)}" for name, reasons in stale]
        raise CourseError("\n".join(["not what the text builds (`course build` makes it so):", *lines]))
    say("everything built is what the text builds")


def verify(
    modules: Modules = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Kernels at a time; one per processor if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove every graded task: the solution earns all, the release nothing, each wrong answer loses what it should."""
    import dataclasses

    from course_lib.cli.console import emit, say
    from course_lib.cli.progress import count_progress
    from course_lib.cli.warm import use_warm_kernels
    from course_lib.errors import CourseError
    from course_lib.workbook.verify import verify as verify_modules

    use_warm_kernels()
    start = time.perf_counter()
    with count_progress("proving", "run") as progress:
        report = verify_modules(modules or (), jobs=jobs, env=BUILD_ENV, progress=progress)
    seconds = round(time.perf_counter() - start, 1)
    problems = report.all_problems()
    if as_json:
        tasks = [dataclasses.asdict(task) for task in report.tasks]
        emit({"tasks": tasks, "problems": problems, "runs": report.runs, "seconds": seconds})
    _show_tasks(report.tasks)
    if problems:
        raise CourseError("\n".join(["not proven:", *problems]))
    say(f"{len(report.tasks)} tasks proven in {report.runs} runs, {seconds} s")


def _show_tasks(tasks: list[TaskReport]) -> None:
    """A table on stderr: a row for each task."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("task", no_wrap=True)
    for name in ("points", "solution", "release", "wrong answers killed"):
        table.add_column(name, justify="right")
    table.add_column("")
    for before, task in zip([None, *tasks], tasks, strict=False):
        if before is None or before.notebook != task.notebook:
            table.add_row(task.notebook)
        earned = ["–" if points is None else f"{points:g}" for points in (task.solution, task.release)]
        killed = f"{task.killed} of {task.wrong_answers}"
        table.add_row(f"  {task.task}", f"{task.points:g}", *earned, killed, "✗" if task.problems else "✓")
    Console(stderr=True, highlight=False).print(table)
