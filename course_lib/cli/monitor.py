"""The command `course monitor`: whether the deployed model still does what it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.taxi.monitoring.retraining import Retrained
    from course_lib.taxi.monitoring.watch import MonitorResult


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(monitor)


def monitor(
    months: Annotated[str, typer.Option(help="2021-03, a range 2021-02:2021-05, or several with commas")],
    reference: Annotated[str, typer.Option(metavar="MONTH", help="The month to compare with.")] = "2021-01",
    model: Annotated[
        str | None, typer.Option(help="Train mean, rule_of_thumb, linear or boosting on the reference month instead.")
    ] = None,
    alias: Annotated[str | None, typer.Option(help="The registered model to watch. Default: champion.")] = None,
    source: Annotated[
        str | None,
        typer.Option(help="simulated, tlc, or a folder of TLC files (default: TAXI_DATA, else simulated)"),
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Rows of each month (simulated only).")] = None,
    now: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only labels of rides that had ended by then. Default: all.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Watch what the service told riders: its prediction store, SQLite or PostgreSQL."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="With --store: CSV or parquet with prediction_id, duration (minutes), perhaps arrived_at."),
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="With --store: the challenger's answers that nobody saw.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where the page and the figures go. Default: build/monitoring.")
    ] = None,
    reports: Annotated[bool, typer.Option("--reports", help="Also Evidently's reports of the last month.")] = False,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="When an alert stands: the newest month goes through pipeline and gate."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Score months, or read what the service told riders; join labels, measure error and drift, write a dashboard.

    Exit 1 when an alert stands, also when it led to a new model: that one has yet to show what it does.
    """
    from course_lib.cli.console import emit, say
    from course_lib.errors import UsageError
    from course_lib.paths import build_dir

    if model and alias:
        raise UsageError("A model is trained on the spot (--model) or comes from the registry (--alias): choose one.")
    from course_lib.taxi.monitoring import page, watch

    home = folder or build_dir() / "monitoring"
    result = watch.monitor(
        months,
        reference=reference,
        model=model,
        alias=alias or "champion",
        source=source,
        rows=rows,
        folder=home / "scored",
        now=now,
        store=store,
        labels_file=labels,
        shadow=shadow,
        progress=say,
    )
    written, figures = page.write(result, home)
    files = {"page": str(written), "figures": str(figures)}
    if reports:
        from course_lib.taxi.monitoring import reports as evidently

        say("Evidently's reports of the last month")
        files |= evidently.of_month(result, home / "evidently")
    renewed = _renew(result, model, source, rows) if retrain and result.standing else None
    if as_json:
        told = renewed.as_dict() if renewed else None
        emit({**result.as_dict(), "files": files, **({"retrained": told} if retrain else {})})
    else:
        show(result)
    for alert in result.standing:
        say(f"\nALERT: {alert}")
    say(f"\n{len(result.standing) or 'No'} alert{'' if len(result.standing) == 1 else 's'} standing. Page: {written}")
    if renewed:
        say(str(renewed))
    elif retrain:
        say("Nothing is trained anew: no alert asks for it.")
    if result.standing:
        raise typer.Exit(1)


def _renew(result: MonitorResult, model: str | None, source: str | None, rows: int | None) -> Retrained:
    """Train on the newest month whose labels are in; the gate decides whether the result takes over."""
    from course_lib.cli.console import say
    from course_lib.errors import CourseError
    from course_lib.taxi.monitoring import retraining
    from course_lib.taxi.pipeline import Settings

    labelled = [f"{start:%Y-%m}" for start, row in result.by_month.iterrows() if row["enough"]]
    if not labelled:
        raise CourseError("An alert stands, but no month has labels enough to train on: nothing is trained anew.")
    say(f"an alert stands: {labelled[-1]} goes through the pipeline")
    settings = Settings(source=source, rows=rows, **({"model": model} if model else {}))
    return retraining.retrain(labelled[-1], settings)


def show(result: MonitorResult) -> None:
    """A line for each month on stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("month", "rides", "labels", "RMSE (min)", "std. dev.", "ratio", "bias", "drifted"):
        table.add_column(heading, justify="left" if heading == "month" else "right", no_wrap=True)
    for start, row in result.by_month.iterrows():
        month = f"{start:%Y-%m}"
        drifted = result.month_drift[month]
        named = drifted.index[drifted["verdict"].isin(["some", "much"])]
        values = [f"{row[name]:{form}}" for name, form in _FORMS.items()] if row["enough"] else ["too few", "", "", ""]
        table.add_row(month, f"{row['predictions']:,}", f"{row['n']:,}", *values, f"{len(named)} of {len(drifted)}")
    Console().print(table)


_FORMS = {"rmse": ".2f", "sd": ".2f", "ratio": ".3f", "bias": "+.2f"}
