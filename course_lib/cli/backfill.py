"""The command `course backfill`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from course_lib.taxi.backfill import BackfillResult, Plan, Progress


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(backfill)


def backfill(
    months: Annotated[str, typer.Option(help="2021-03, a range 2021-01:2021-05, or several with commas")],
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Months at a time. Default: one per processor, at most 4.")
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help="threads or processes of this machine, or a Dask scheduler's address (tcp://host:8786)")
    ] = "threads",
    source: Annotated[
        str | None,
        typer.Option(help="simulated, tlc, a folder of TLC files, or s3://… (default: TAXI_DATA, else simulated)"),
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Rows of each month (simulated only).")] = None,
    model: Annotated[str, typer.Option(help="mean, rule_of_thumb, linear or boosting")] = "boosting",
    max_bad_share: Annotated[
        float, typer.Option(help="Share of rows (0 to 1) that may break the contract before the month fails.")
    ] = 0.01,
    force: Annotated[bool, typer.Option("--force", help="Run every step again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and why, and stop.")] = False,
    folder: Annotated[
        str | None, typer.Option(help="Where months are kept; s3://… too. Default: build/pipeline.")
    ] = None,
    tracking: Annotated[str | None, typer.Option(help="MLflow's folder. Default: build/mlflow.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for another backfill on this folder.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Run the pipeline for every month that is missing or stale: ingest, validate, train, evaluate, register."""
    from course_lib.cli.console import emit, say
    from course_lib.taxi import backfill as taxi
    from course_lib.taxi.pipeline_types import Settings

    settings = Settings(source=source, rows=rows, model=model, max_bad_share=max_bad_share)
    places: dict[str, Any] = {"folder": folder, "tracking": tracking, "force": force}
    if dry_run:
        plan = taxi.plan(months, settings, **places)
        say(str(plan))
        if as_json:
            emit(plan.as_dict())
        return
    with _bar() as (planned, moved):
        result = taxi.run(
            months,
            settings,
            **places,
            jobs=jobs,
            scheduler=scheduler,
            wait=wait,
            progress=moved,
            planned=planned,
        )
    if as_json:
        emit(result.as_dict())
    else:
        show(result)
    report(result)
    if not result.ok:
        raise typer.Exit(1)


@contextmanager
def _bar() -> Iterator[tuple[Any, Progress]]:
    """What hears of the plan and of each step: the plan as text, then a bar on a terminal, or lines in a log."""
    import sys

    from course_lib.cli.console import say
    from course_lib.cli.progress import step_bar
    from course_lib.taxi.pipeline_types import STEPS

    bar: Any = None

    def planned(plan: Plan) -> None:
        nonlocal bar
        say(str(plan))
        if plan.todo and sys.stderr.isatty():
            bar = step_bar(len(plan.todo) * len(STEPS), "step")

    def moved(month: str, step: str, did: str) -> None:
        if bar is not None:
            bar.set_description(f"{month} {step}", refresh=False)
            bar.update()
        elif did not in ("unchanged", "skipped"):
            say(f"{month} {step}: {did}")

    try:
        yield planned, moved
    finally:
        if bar is not None:
            bar.close()


def show(result: BackfillResult) -> None:
    """A line for each month on stdout: rows, rows set aside, the model's error beside the mean's, its version."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    headings = ("month", "ran", "rows", "set aside", "RMSE (min)", "the mean's", "version", "champion")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("month", "ran", "champion") else "right")
    for month in result.months:
        one = month.as_dict()
        ran = sum(did == "ran" for did in month.did.values())
        table.add_row(
            month.month,
            f"{ran} steps" if ran else "-",
            _number(one.get("rows_in"), ",d"),
            _number(one.get("quarantined"), ",d"),
            _number(one.get("metrics", {}).get("rmse"), ".2f"),
            _number(one.get("baseline", {}).get("rmse"), ".2f"),
            _number(one.get("version"), "d"),
            {True: "became it", False: "no", None: ""}[one.get("promoted")],
        )
    Console().print(table)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def report(result: BackfillResult) -> None:
    """What became of the months, in words, on stderr: failures last, each with its reason."""
    from course_lib.cli.console import say

    good = len(result.months) - len(result.failed)
    ran = "nothing had to be run" if not result.plan.todo else f"{len(result.plan.todo)} had something to run"
    say(f"\n{good} of {len(result.months)} months are done, in {result.seconds:.1f} s; {ran}.")
    for month, why in result.failed.items():
        say(f"{month} failed: {why}")
    if result.failed:
        say("The other months are not affected. Run the same command again: it takes up where these stopped.")
