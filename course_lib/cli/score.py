"""The command `course score`: answers nobody waits for, whole months at once."""

from __future__ import annotations

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
        typer.Option(help="simulated, tlc, a folder of TLC files, or s3://… (default: TAXI_DATA, else simulated)"),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of each month (simulated only).")] = None,
    folder: Annotated[
        str | None, typer.Option(help="Where the days go, a folder a month; s3://… too. Default: build/scored.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler (tcp://host:8786) whose workers do it.")
    ] = None,
    tracking: Annotated[str | None, typer.Option(help="MLflow's folder (default: build/mlflow)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Answer every booking of whole months with a registered model; started again, only what is missing or changed.

    A month that fails doesn't stop the others; the end says which and why, with exit code 1. On a cluster, months are
    scored side by side; its workers must see the source and the folder, or both are in a store (s3://bucket/…).
    """
    from course_lib.cli.console import emit, say
    from course_lib.cli.progress import count_progress
    from course_lib.paths import build_dir
    from course_lib.taxi import tracking as registry
    from course_lib.taxi.backfill_plan import parse_months
    from course_lib.taxi.service import batch_many

    wanted = parse_months(months)
    registry.setup(tracking)
    version = registry.version(name, alias)
    model = registry.load(name, version=version)
    home, done, failed = folder or build_dir() / "scored", [], {}
    where = {"source": source, "rows": rows}
    if scheduler is None:
        told = batch_many.score_here(
            wanted, model, version, home, **where, bar=lambda month: count_progress(month, "day")
        )
    else:
        told = batch_many.score_on_cluster(wanted, model, version, home, **where, scheduler=scheduler)
    for month, outcome in told:
        if isinstance(outcome, str):
            failed[month] = outcome
            say(f"{month}: FAILED: {outcome}")
            continue
        done.append(outcome)
        say(f"{month}: {outcome.rows:,} rides; {outcome.days_scored} parts scored, {outcome.days_kept} were there")
    done.sort(key=lambda one: one.month)
    if as_json:
        listed = [{**vars(one), "folder": str(one.folder)} for one in done]
        emit({"model": name, "version": version, "months": listed, "failed": failed})
    say(f"{name} version {version}: {len(done)} of {len(wanted)} months are scored. Files: {home}")
    if failed:
        raise typer.Exit(1)
