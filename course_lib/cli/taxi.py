"""The command `course train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from course_lib.taxi.training import TrainingReport

SOURCE = "where trips come from: simulated, tlc, a folder of TLC files, or s3://… (default: TAXI_DATA, else simulated)"
JSON = "one JSON object on stdout"


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(train)


def train(
    train: str = typer.Option("2021-01", "--train", metavar="MONTHS", help="month to learn from, or 2019-01:2021-12"),
    valid: str = typer.Option("2021-02", "--valid", metavar="MONTH", help="later month to score on"),
    rows: int = typer.Option(None, "--rows", help="rows of each month (simulated only)"),
    source: str = typer.Option(None, "--source", help=SOURCE),
    with_distance: bool = typer.Option(False, "--with-distance", help="also see the metered distance (lessons only)"),
    plot: bool = typer.Option(False, "--plot", help="save a picture of the comparison in build/"),
    register: bool = typer.Option(False, "--register", help="register the best model as champion in build/mlflow"),
    scheduler: str = typer.Option(
        None, "--scheduler", metavar="ADDRESS", help="a Dask scheduler (tcp://host:8786) whose workers do it"
    ),
    work: str = typer.Option(None, "--work", help="for several months: where they are kept, cut; s3://… too"),
    as_json: bool = typer.Option(False, "--json", help=JSON),
) -> None:
    """Train every model on one month and compare them on a later one; or one on years of months that pass by.

    Several months are never in memory at once: each is cleaned and cut into slices (in --work, default build/years),
    and trees are grown on one part of all rides after another. Beside them, the usual model of a sample is shown.
    """
    from course_lib.cli.console import emit, say
    from course_lib.cli.train_years import train_years
    from course_lib.errors import UsageError
    from course_lib.taxi import training

    if register and with_distance:
        raise UsageError(
            "A model that needs the metered distance can't be registered: when a ride is booked, nobody knows it yet. "
            "Leave out --with-distance or --register."
        )
    if ":" in train or "," in train:
        if with_distance or plot:
            raise UsageError("--with-distance and --plot go with one month to learn from.")
        train_years(train, valid, rows, source, register, scheduler, work, as_json)
        return
    if work is not None:
        raise UsageError("--work is for several months to learn from, as --train 2019-01:2021-12.")
    report = training.train(
        train, valid, source=source, rows=rows, with_distance=with_distance, scheduler=scheduler, progress=say
    )
    result = report.as_dict()
    if plot:
        result["picture"] = _save_picture(report)
        say(f"picture: {result['picture']}")
    if register:
        result["registered"] = register_best(report)
        say("registered: {name} version {version}, alias {alias} ({model})".format(**result["registered"]))
    if as_json:
        emit(result)
    else:
        show(report)


def show(report: TrainingReport) -> None:
    """The rows of both months by reason, and the models' scores, as two tables on stdout."""
    from rich.console import Console
    from rich.table import Table

    from course_lib.cli.scores import scores_table

    rows = Table(box=None, pad_edge=False)
    rows.add_column("rows")
    for month, role in ((report.train, "train"), (report.valid, "valid")):
        rows.add_column(f"{month} ({role})", justify="right")
    rows.add_row("came in", *(f"{count:,}" for count in report.account.sum()))
    for reason, counts in report.account.iterrows():
        rows.add_row(str(reason) if reason == "kept" else f"- {reason}", *(f"{count:,}" for count in counts))

    console = Console()
    console.print(rows)
    console.print()
    console.print(scores_table(report.scores, report.seconds, report.best))


def _save_picture(report: TrainingReport) -> str:
    from course_lib import paths
    from course_lib.taxi import plots

    kind = "-with-distance" if report.with_distance else ""
    name = f"models-{report.train}-{report.valid}{kind}.png"
    return str(plots.save(plots.comparison(report.scores), paths.build_dir() / "pictures" / name))


def register_best(report: TrainingReport) -> dict[str, Any]:
    """Register the report's best model and give it the alias that a service loads."""
    from course_lib.taxi import tracking
    from course_lib.taxi.features import BOOKING_COLUMNS

    folder = tracking.setup()
    scores = report.scores.loc[report.best].drop("n").dropna()
    version = tracking.register(
        report.models[report.best],
        metrics=scores.to_dict(),
        params={
            "model": report.best,
            "train": report.train,
            "valid": report.valid,
            "source": report.source,
            "train_rows": int(report.account.loc["kept", report.train]),
            "valid_rows": int(report.account.loc["kept", report.valid]),
            **({} if report.rows_asked is None else {"rows": report.rows_asked}),
        },
        trips=report.train_trips,
        valid=report.valid_trips,
        example=report.valid_trips[BOOKING_COLUMNS].head(5),
    )
    names = {"name": tracking.MODEL_NAME, "version": version, "alias": "champion", "model": report.best}
    return {**names, "folder": str(folder)}
