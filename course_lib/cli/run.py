"""The command `course run`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.workbook.run import RunResult


def run(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODULE|NOTEBOOK]...", help="Modules (01_intro) or .ipynb files; everything by default."
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Notebooks at a time. Default: one per processor, at most 4.")
    ] = None,
    notebooks: Annotated[str, typer.Option(help="Which of a module's notebooks.")] = "lesson,exercises,quiz",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one cell may take.")] = 600,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Run lessons and solutions from top to bottom; executed pages and pictures go to build/."""
    from course_lib.cli.console import emit
    from course_lib.cli.run_progress import run_progress
    from course_lib.cli.warm import use_warm_kernels
    from course_lib.workbook.parameters import parse_assignments
    from course_lib.workbook.run import default_jobs, find_notebooks, run_notebooks

    files = find_notebooks(targets or [], _kinds(notebooks))
    given = parse_assignments(parameter or [])
    if len(files) > 2:  # for one or two, loading all libraries beforehand costs more than it saves
        use_warm_kernels()
    start = time.perf_counter()
    with run_progress() as progress:
        results = run_notebooks(
            files, parameters=given, jobs=jobs or default_jobs(), timeout=timeout, progress=progress
        )
    seconds = round(time.perf_counter() - start, 1)
    ok = all(result.ok for result in results)
    if as_json:
        emit({"ok": ok, "seconds": seconds, "notebooks": [result.as_dict() for result in results]})
    report(results, seconds)
    if not ok:
        raise typer.Exit(1)


def report(results: list[RunResult], seconds: float) -> None:
    """What went wrong, cell by cell, and where the pages lie; on stderr."""
    from course_lib.cli.console import say
    from course_lib.paths import build_dir

    for result in results:
        if result.failure is not None:
            say(f"\n{result.title}, {result.failure.where()}:")
            say(result.failure.text())
            if result.page:
                say(f"  The notebook up to there: {shown(result.page)}")
    good = sum(result.ok for result in results)
    say(f"\n{good} of {len(results)} notebooks ran from top to bottom, in {seconds} s.")
    say(f"Pages and executed notebooks: {shown(build_dir() / 'executed')}")


def shown(path: object) -> str:
    """A path as people type it: from the current folder, when it lies below."""
    from pathlib import Path

    try:
        return str(Path(str(path)).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _kinds(text: str) -> list[str]:
    import difflib

    from course_lib.errors import UsageError
    from course_lib.workbook.modules import NOTEBOOKS

    kinds = [kind.strip().removesuffix(".ipynb") for kind in text.split(",") if kind.strip()]
    for kind in kinds:
        if kind not in NOTEBOOKS:
            near = difflib.get_close_matches(kind, NOTEBOOKS, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(f"--notebooks knows no “{kind}”. {hint}Choose from {', '.join(NOTEBOOKS)}.")
    if not kinds:
        raise UsageError(f"--notebooks wants at least one of {', '.join(NOTEBOOKS)}.")
    return kinds
