"""The commands `course capstone start` and `course capstone check`: one project, taken from ad hoc to governed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.taxi.maturity.capstone import Result

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands to the tree."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command()(start)
    group.command()(check)
    app.add_typer(group, name="capstone", help="The capstone of module 07: start one, check one.")


def start(directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")]) -> None:
    """Copy the capstone's starter (a messy notebook, its trips, the task) into a folder of your own."""
    from course_lib.cli.console import say
    from course_lib.taxi.maturity import capstone

    folder = capstone.start(directory)
    say(f"{', '.join(sorted(path.name for path in folder.iterdir()))} are in {folder}. Begin with TASK.md.")


def check(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="The capstone's folder.")] = Path(),
    step: Annotated[
        list[int] | None, typer.Option("--step", "-s", metavar="N", help="Only this step, 1 to 5; can be repeated.")
    ] = None,
    limit: Annotated[float, typer.Option(metavar="SECONDS", help="What each program of yours may take.")] = 180,
    as_json: Json = False,
) -> None:
    """Check a capstone's five steps, 4 points each.

    THIS RUNS THE DIRECTORY'S CODE: its functions, tests, pipeline, service and monitoring, in a copy of the
    directory and with a time limit, but as you and without walls. Check only code that you trust.

    Exit 0 when all points are there, 1 when some are missing.
    """
    from course_lib.cli.console import emit, say
    from course_lib.errors import UsageError
    from course_lib.taxi.maturity import capstone

    if not limit > 0:
        raise UsageError(f"--limit {limit:g}: a program needs more than 0 seconds.")
    result = capstone.check(directory, step or None, progress=lambda what: say(f"… {what}"), limit=limit)
    if as_json:
        emit(result.as_dict())
    else:
        _show(result)
    if result.earned < result.points:
        raise typer.Exit(1)


def _show(result: Result) -> None:
    """Each step with its points; for each point what was found, and what to do where it is missing."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("found", overflow="fold")
    for step in result.steps:
        table.add_row("", f"[bold]{step.number}. {step.name}[/bold]", f"[bold]{step.earned} of {step.points}[/bold]")
        for one in step.checks:
            mark, colour = ("✓", "green") if one.ok else ("✗", "red")
            text = one.found if one.ok else f"expected: {one.expected}\nfound: {one.found}\n→ {one.hint}"
            table.add_row(f"[{colour}]{mark}[/{colour}]", f"   {one.name}", escape(text))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\n[bold]{result.earned} of {result.points} points[/bold]")
