"""The command `course models`: the registry read, and a version sent through the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(models)


def models(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="a registered model")] = "taxi-duration",
    promote: Annotated[int | None, typer.Option(metavar="VERSION", help="send this version through the gate")] = None,
    month: Annotated[
        str | None, typer.Option(metavar="MONTH", help="score both on this month (default: by their logged metrics)")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="where the month comes from: simulated, tlc, or a folder (default: TAXI_DATA, else simulated)"
        ),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="rows of the month (simulated only)")] = None,
    margin: Annotated[float, typer.Option(help="minutes of RMSE that the version must be better by")] = 0.05,
    budget_ms: Annotated[float, typer.Option(help="most milliseconds for one ride, a median")] = 50.0,
    first: Annotated[bool, typer.Option("--first", help="let it be the first champion")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="decide, but change nothing")] = False,
    tracking: Annotated[str | None, typer.Option(help="MLflow's folder (default: build/mlflow)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
) -> None:
    """List a model's versions, or promote one to champion if it passes the gate (exit 1 if it is refused)."""
    from course_lib.cli.console import emit, say
    from course_lib.errors import UsageError
    from course_lib.taxi import tracking as registry
    from course_lib.taxi import tracking_audit

    if promote is None and (first or dry_run or month):
        raise UsageError("--month, --first and --dry-run go with --promote VERSION.")
    if month is None and (source or rows):
        raise UsageError("--source and --rows say where the rides of --month come from: name a month.")
    registry.setup(tracking)
    if promote is None:
        table = registry.versions(name)
        check = tracking_audit.log().verify(tracking_audit.noted(name))
        if as_json:
            emit({"name": name, "versions": as_list(table), "audit": vars(check)})
        else:
            show(table)
            say(f"Audit log: {check}")
        return
    registry.versions(name)  # a name or version that isn't there is said before a month is read
    trips = None if month is None else _rides(month, source, rows)
    options: dict[str, Any] = {"margin": margin, "budget_ms": budget_ms, "first": first, "dry_run": dry_run}
    decision = registry.promote(name, promote, trips=trips, **options)
    if as_json:
        emit(decision.as_dict())
    say(str(decision))
    if not decision:
        raise typer.Exit(1)


def as_list(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The versions for JSON: aliases, run, time, and what is known of each under params, metrics and tags."""
    listed = []
    for version, row in table.iterrows():
        entry: dict[str, Any] = {"version": int(str(version)), "aliases": list(row["aliases"]), "run_id": row["run_id"]}
        entry["created"] = row["created"].isoformat()
        for kind in ("params", "metrics", "tags"):
            known = row[[column for column in table.columns if column.startswith(f"{kind}.")]].dropna()
            entry[kind] = {str(column).removeprefix(f"{kind}."): value for column, value in known.items()}
        listed.append(entry)
    return listed


def show(table: pd.DataFrame) -> None:
    """The versions as a table on stdout: what each is, how well it did, and what the gate said."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, pad_edge=False)
    for heading in ("version", "aliases", "model", "registered (UTC)"):
        shown.add_column(heading)
    for heading in ("RMSE (min)", "MAE (min)", "within 5 min"):
        shown.add_column(heading, justify="right")
    shown.add_column("gate")
    for version, row in table.iterrows():
        figures = [_figure(row.get(f"metrics.{metric}"), form) for metric, form in _FIGURES.items()]
        texts = [_text(row.get(column)) for column in ("params.model", "tags.gate")]
        when = f"{row['created']:%Y-%m-%d %H:%M}"
        style = "bold" if "champion" in row["aliases"] else None
        shown.add_row(str(version), ", ".join(row["aliases"]), texts[0], when, *figures, texts[1], style=style)
    Console().print(shown)


_FIGURES = {"rmse": "{:.2f}", "mae": "{:.2f}", "within_5": "{:.1%}"}


def _figure(value: Any, form: str) -> str:
    return "" if value is None or value != value else form.format(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _rides(month: str, source: str | None, rows: int | None) -> pd.DataFrame:
    from course_lib.cli.console import say
    from course_lib.taxi import cleaning, trips

    say(f"reading and cleaning {month}")
    return cleaning.clean(trips.load(month, source=source, rows=rows), month).trips
