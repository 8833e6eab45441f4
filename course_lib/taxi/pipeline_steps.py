"""The steps of one month, up to the model and its score: plain functions from what came in to what they wrote.

Each takes what earlier steps returned, the settings, and a folder ``out``, writes its files there whole or not at all,
and returns a record of them. None of them knows of other months: a model learns from all rides of its month but those
of the last days, and is judged on these. So months can run in any order and side by side, a month that is run again
needs no other one, and what is registered is the very model that was judged. Judging on the *next* month would be as
honest, but then no month could be finished before the next is published, and a change in one would make two months
stale. The split is by time, not by chance: tomorrow's rides are what the model is for.

What needs the durations to be learned (the means per pair of zones) isn't done in ``features`` but inside the model's
own pipeline, where only the training rides are seen.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi import cleaning, monthfile, months, quarantine, trips
from course_lib.taxi import pipeline_files as files
from course_lib.taxi.pipeline_model import dump, load_model
from course_lib.taxi.pipeline_types import Evaluated, Ingested, Settings, Tables, Trained, Validated

_BOOKING = ["PULocationID", "DOLocationID", "lpep_pickup_datetime"]
_TARGET = "duration"
# The metered distance may teach (the rule of thumb learns the detour from it), but no model is judged with it.
_TEACHING = "trip_distance"


def ingest(month: str, settings: Settings, out: Path) -> Ingested:
    """Take in the month's file as it came, changing nothing: what the source holds tomorrow may be another.

    Raises MonthNotFound, BrokenFile for what is no parquet file, and a download's errors.
    """
    found = trips.fetch(month, source=settings.source, rows=settings.rows)
    rows = monthfile.footer(found).num_rows  # before it is taken in: an error page has no footer
    return Ingested(month, files.copy(found, out / "raw.parquet"), rows)


def validate(raw: Ingested, settings: Settings, out: Path) -> Validated:
    """Hold the rows against the contract; those that break it go to the quarantine with their reasons.

    Raises ContractError for columns and types, TooManyBad for more bad rows than ``settings.max_bad_share``.
    """
    what = f"The trips of {raw.month}"
    found = quarantine.split(monthfile.read(raw.trips.path), settings.max_bad_share, what)
    return Validated(
        month=raw.month,
        trips=files.write_frame(found.good, out / "valid.parquet"),
        quarantined=files.write_frame(found.bad, out / "quarantined.parquet"),
        rows_in=raw.rows,
        rows_good=len(found.good),
        rows_bad=len(found.bad),
        reasons={str(reason): int(count) for reason, count in found.reasons.items()},
    )


def features(valid: Validated, settings: Settings, out: Path) -> Tables:
    """Clean the trips and split them by pickup time into the tables that a model learns from and is judged on.

    Raises CourseError when either would be empty.
    """
    cleaned = cleaning.clean(pd.read_parquet(valid.trips.path), valid.month, settings.min_minutes, settings.max_minutes)
    split = months.parse(valid.month).end - pd.Timedelta(days=settings.evaluation_days)
    late = cleaned.trips["lpep_pickup_datetime"] >= split
    learned = cleaned.trips.loc[~late, [*_BOOKING, _TEACHING, _TARGET]]
    judged = cleaned.trips.loc[late, [*_BOOKING, _TARGET]]
    account = {str(reason): int(count) for reason, count in cleaned.account.items()}
    for table, when in ((learned, f"before {split:%Y-%m-%d}"), (judged, f"from {split:%Y-%m-%d} on")):
        if table.empty:
            counts = ", ".join(f"{reason}: {count:,}" for reason, count in account.items() if count)
            raise CourseError(f"{valid.month} has no usable rides {when} ({counts}).")
    return Tables(
        month=valid.month,
        train=files.write_frame(learned, out / "train.parquet"),
        evaluation=files.write_frame(judged, out / "evaluation.parquet"),
        rows_train=len(learned),
        rows_evaluation=len(judged),
        split=f"{split:%Y-%m-%d}",
        account=account,
    )


def train(tables: Tables, settings: Settings, out: Path) -> Trained:
    """Fit ``settings.model`` on the training rides and pickle it; the same rides give the same bytes."""
    from course_lib.taxi import models

    rides = pd.read_parquet(tables.train.path)
    model = models.build(settings.model, random_state=settings.random_state).fit(rides, rides[_TARGET])
    return Trained(tables.month, files.write_bytes(dump(model), out / "model.pkl"), len(rides))


def evaluate(trained: Trained, tables: Tables, settings: Settings, out: Path) -> Evaluated:  # noqa: ARG001
    """Score the model on the month's last rides, beside the mean of the rides it learned from."""
    from course_lib.taxi import evaluation, models

    learned, judged = pd.read_parquet(tables.train.path), pd.read_parquet(tables.evaluation.path)
    if learned["lpep_pickup_datetime"].max() >= judged["lpep_pickup_datetime"].min():
        raise CourseError(f"The rides that judge the model of {tables.month} are not all later than those it knows.")
    mean = models.build("mean").fit(learned, learned[_TARGET])
    scores = {
        name: _defined(evaluation.score(judged[_TARGET], model.predict(judged[_BOOKING])))
        for name, model in (("model", load_model(trained)), ("mean", mean))
    }
    content = {"month": tables.month, "rides": len(judged), **scores}
    written = files.write_json(content, out / "scores.json")
    return Evaluated(tables.month, written, metrics=scores["model"], baseline=scores["mean"])


def _defined(metrics: dict[str, float]) -> dict[str, float]:
    """Without what can't be computed: JSON has no word for it."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}
