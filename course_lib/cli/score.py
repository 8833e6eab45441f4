"""The command `course score`: answers nobody waits for, whole months at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(score)


def score(
    months: Annotated[str, typer.Option(help="2021-03, a range 2021-02:2021-05, or several with commas")],
    name: Annotated[str, typer.Option(help="The registered model.")] = "taxi-duration",
    alias: Annotated[str, typer.Option(help="Which of its versions answers.")] = "champion",
    source: Annotated[
        str | None,
        typer.Option(help="simulated, tlc, or a folder of TLC files (default: TAXI_DATA, else simulated)"),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of each month (simulated only).")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the days go, a folder a month. Default: build/scored.")
    ] = None,
    tracking: Annotated[str | None, typer.Option(help="MLflow's folder (default: build/mlflow)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Answer every booking of whole months with a registered model; started again, only what is missing or changed.

    A month that fails doesn't stop the others; the end says which and why, with exit code 1.
    """
    from course_lib.cli.console import emit, say
    from course_lib.cli.progress import count_progress
    from course_lib.errors import CourseError
    from course_lib.paths import build_dir
    from course_lib.taxi import tracking as registry
    from course_lib.taxi.backfill_plan import parse_months
    from course_lib.taxi.service.batch import score_month

    wanted = parse_months(months)
    registry.setup(tracking)
    version = registry.version(name, alias)
    model = registry.load(name, version=version)
    home, done, failed = folder or build_dir() / "scored", [], {}
    for month in wanted:
        try:
            with count_progress(month, "day") as progress:
                scored = score_month(month, model, version, home, source=source, rows=rows, progress=progress)
        except CourseError as error:
            failed[month] = str(error)
            say(f"{month}: FAILED: {error}")
            continue
        done.append(scored)
        say(f"{month}: {scored.rows:,} rides; {scored.days_scored} parts scored, {scored.days_kept} were there")
    if as_json:
        told = [{**vars(one), "folder": str(one.folder)} for one in done]
        emit({"model": name, "version": version, "months": told, "failed": failed})
    say(f"{name} version {version}: {len(done)} of {len(wanted)} months are scored. Files: {home}")
    if failed:
        raise typer.Exit(1)
