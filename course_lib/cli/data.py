"""The command `course data`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.taxi.prepare import Prepared


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(data)


def data(
    months: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MONTH]...", help="2021-01, or 2021-01..2021-05; default 2021-01 and 2021-02"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="simulated, tlc, or a folder of TLC files (default: TAXI_DATA, else simulated)"),
    ] = None,
    rows: Annotated[int | None, typer.Option(help="another number of rows (simulated only)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """Prepare months of trips: simulate or download them, check them, and say what is there."""
    from course_lib.cli.console import emit, say
    from course_lib.taxi.prepare import DEFAULT_MONTHS, prepare

    prepared = prepare(months or DEFAULT_MONTHS, source=source, rows=rows, progress=True, tell=say)
    if as_json:
        emit({"months": [month.as_dict() for month in prepared]})
    else:
        show(prepared)


def show(prepared: list[Prepared]) -> None:
    """What is there, as a table for people; files as seen from here."""
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    here = Path.cwd()
    table = Table(box=None, pad_edge=False)
    for heading in ("month", "source", "rows", "kept", "file"):
        table.add_column(heading, justify="right" if heading in ("rows", "kept") else "left", overflow="fold")
    for one in prepared:
        file = one.path.relative_to(here) if one.path.is_relative_to(here) else one.path
        table.add_row(one.month, one.source, f"{one.rows:,}", f"{one.kept_share:.1%}", str(file))
    Console().print(table)
