"""`course train` on several months: the same command, for more rides than memory holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_lib.taxi.years.training import YearsReport


def train_years(
    train: str,
    valid: str,
    rows: int | None,
    source: str | None,
    register: bool,
    scheduler: str | None,
    work: str | None,
    as_json: bool,
) -> None:
    """Train on all rides of several months, and say how good the model is beside that of a sample."""
    from course_lib.cli.console import emit, say
    from course_lib.taxi.backfill_plan import parse_months
    from course_lib.taxi.years import training

    asked = {"source": source, "rows": rows, "work": work, "scheduler": scheduler}
    report = training.train(parse_months(train), valid, **asked, progress=say)
    result = report.as_dict()
    if register:
        result["registered"] = register_years(report, source)
        say("registered: {name} version {version}, alias {alias} ({model})".format(**result["registered"]))
    if as_json:
        emit(result)
    else:
        show_years(report)


def show_years(report: YearsReport) -> None:
    """The models' scores and what they learned from, as a table on stdout."""
    from rich.console import Console

    from course_lib.cli.scores import scores_table

    console = Console()
    console.print(f"learned from {report.train}, scored on {report.valid}\n")
    console.print(scores_table(report.scores, report.seconds, report.best, report.learned))


def register_years(report: YearsReport, source: str | None) -> dict[str, Any]:
    """Register the best model of years of months as champion."""
    from course_lib.taxi import tracking
    from course_lib.taxi.years.training import signature

    folder = tracking.setup()
    scores = report.scores.loc[report.best].drop("n").dropna()
    version = tracking.register(
        report.models[report.best],
        metrics=scores.to_dict(),
        params={
            "model": report.best,
            "train": report.months[-1],  # the newest month it knows: what promotion asks for
            "train_months": report.train,
            "valid": report.valid,
            "source": report.source,
            "train_rows": report.learned[report.best],
        },
        example=signature(report, source),
    )
    names = {"name": tracking.MODEL_NAME, "version": version, "alias": "champion", "model": report.best}
    return {**names, "folder": str(folder)}
