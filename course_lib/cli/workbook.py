"""Commands of the workbook's authors: build and verify."""

from __future__ import annotations

import time
from typing import Annotated

import typer

Modules = Annotated[list[str] | None, typer.Argument(help="Modules, such as 01_intro; all when none is named.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")]

# What the outputs stored with the solutions were made from, whatever this machine is set to.
BUILD_ENV = {"TAXI_DATA": "simulated"}


def register(app: typer.Typer) -> None:
    """Add this wing's commands to the tree."""
    app.command()(build)


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
