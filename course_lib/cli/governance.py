"""The command `course card`: what a model's owners answer for, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(card)


def card(
    name: Annotated[str, typer.Option(help="The registered model.")] = "taxi-duration",
    alias: Annotated[str, typer.Option(help="Whose version the card is of.")] = "champion",
    months: Annotated[
        str | None,
        typer.Option(help="Measure on these, 2021-02 or 2021-02:2021-04. Default: those its run was scored on."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="simulated, tlc, or a folder of TLC files (default: the source its run recorded)"),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of each month (simulated only).")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the card goes. Default: build/card.")] = None,
    tracking: Annotated[str | None, typer.Option(help="MLflow's folder (default: build/mlflow)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Write the model card of a registered model: Markdown, HTML, JSON. What is missing is named.

    Exit 1 when the audit log does not hold.
    """
    from course_lib.cli.console import emit, say
    from course_lib.paths import build_dir
    from course_lib.taxi import tracking as registry
    from course_lib.taxi.governance import card as cards

    home = registry.setup(tracking)
    made = cards.build(name, alias, home, months, source=source, rows=rows, progress=say)
    files = {kind: str(path) for kind, path in made.save(folder or build_dir() / "card").items()}
    if as_json:
        emit({**made.as_dict(), "files": files})
    for title, why in made.why.items():
        say(f"missing: {title}: {why}")
    audit = made.sections["promotion"].get("audit", {})
    say(f"{made.name} version {made.version} ({made.alias}). Card: {files['html']}")
    if not made.holds:
        say(f"AUDIT: {audit['text']}")
        raise typer.Exit(1)
