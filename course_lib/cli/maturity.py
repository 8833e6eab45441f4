"""The command `course maturity`: how far a project has come, by the evidence in its directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.taxi.maturity import Assessment

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(maturity)


def maturity(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="The project's directory.")] = Path(),
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the radar (PNG, SVG or PDF).")] = None,
    as_json: Json = False,
) -> None:
    """Assess any project's directory from its evidence: what is found and missing at each level, and the next step.

    Files are read, never run. Levels: ad hoc, managed, automated, orchestrated, governed; one holds only if all
    below it hold.
    """
    from course_lib.cli.console import emit, say
    from course_lib.taxi import maturity as library

    if plot is not None:
        _check_picture(plot)
    found = library.assess(directory)
    if plot is not None:
        from course_lib.taxi.plot_style import save

        save(library.radar(found), plot)
        say(f"Radar: {plot}")
    if as_json:
        emit(found.as_dict() | ({"plot": str(plot)} if plot else {}))
    else:
        _show(found)


def _check_picture(path: Path) -> None:
    from course_lib.errors import UsageError

    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot {path}: the name must end in .png, .svg or .pdf.")


_COLOURS = {True: "green", False: "red"}


def _show(found: Assessment) -> None:
    """The table and the next step, on stdout."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("", no_wrap=True)
    table.add_column("practice", no_wrap=True)
    table.add_column("evidence", overflow="fold")
    for level, holds in found.holds.items():
        findings = found.of(level)
        share = f"{sum(one.found for one in findings)} of {len(findings)}"
        word = "holds" if holds else "does not hold"
        table.add_row("", f"[bold]{level}[/bold]", f"[bold]{share}, {word}[/bold]")
        for one in findings:
            mark, colour = ("✓" if one.found else "✗"), _COLOURS[one.found]
            text = one.where or f"{one.missing}\n→ {one.how} ({one.effort:g} h)"
            table.add_row(f"[{colour}]{mark}[/{colour}]", f"  {one.practice}", escape(text))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\nLevel [bold]{found.number}, {found.level}[/bold]  ({found.files:,} files looked at)")
    for line in found.unreadable[:10]:
        console.print(f"not read: {escape(line)}", style="yellow")
    if (step := found.next_step) is None:
        console.print("Nothing is missing.")
    else:
        console.print(f"Next step, about {step.effort:g} h: [bold]{step.practice}[/bold]: {escape(step.how)}")
