"""One call from two months of trips to fitted models and their scores.

report = training.train("2021-01", "2021-02")
report.scores              # a row for each model: rmse, mae, bias (minutes), r2, within_5 (share), n
report.models["boosting"].predict(trips)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, evaluation, months, sources, trips
from course_lib.taxi import models as model_wing
from course_lib.taxi.features import BOOKING_COLUMNS, METERED_COLUMN
from course_lib.taxi.models import NAMES, DurationPipeline

# All that cleaning, the models and the pictures of a report look at.
_COLUMNS = [*BOOKING_COLUMNS, "lpep_dropoff_datetime", METERED_COLUMN]


@dataclass(frozen=True)
class TrainingReport:
    """What one training run did and how good its models are.

    ``account`` holds row counts: a row for each reason of cleaning.REASONS (``kept`` included), a column for each of
    the two months. ``scores`` is evaluation.compare's table on the month ``valid``; ``models`` maps names to fitted
    models, ``seconds`` to the time that fitting took. ``train_trips`` and ``valid_trips`` are the cleaned trips that
    they learned from and were scored on; ``rows_asked`` is how many rows of each month were asked for (None: all).
    """

    train: str
    valid: str
    source: str
    with_distance: bool
    account: pd.DataFrame
    scores: pd.DataFrame
    models: dict[str, DurationPipeline] = field(repr=False)
    seconds: dict[str, float] = field(repr=False)
    train_trips: pd.DataFrame = field(repr=False)
    valid_trips: pd.DataFrame = field(repr=False)
    rows_asked: int | None = None

    @property
    def best(self) -> str:
        """The name of the model with the smallest RMSE."""
        return str(self.scores["rmse"].idxmin())

    def as_dict(self) -> dict[str, Any]:
        """The report as plain numbers and words, for JSON and for a tracked run; an undefined score is None."""
        scores = self.scores.astype(object).where(self.scores.notna(), None)
        return {
            "train": self.train,
            "valid": self.valid,
            "source": self.source,
            "with_distance": self.with_distance,
            "rows": {month: int(rows) for month, rows in self.account.sum().items()},
            "kept": {month: int(rows) for month, rows in self.account.loc["kept"].items()},
            "dropped": {
                month: {reason: int(rows) for reason, rows in self.account[month].drop("kept").items()}
                for month in self.account
            },
            "scores": scores.to_dict(orient="index"),
            "fit_seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "best": self.best,
        }


def train(
    train: str = "2021-01",
    valid: str = "2021-02",
    models: Sequence[str] = NAMES,
    source: trips.SourceName = None,
    rows: int | None = None,
    *,
    with_distance: bool = False,
    random_state: int | None = 0,
    scheduler: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> TrainingReport:
    """Fit ``models`` on the cleaned trips of the month ``train`` and score them on those of the later month ``valid``.

    ``source`` and ``rows`` go to trips.load, ``with_distance`` (lessons only) and ``random_state`` to models.build;
    ``progress`` is called with a line of text before each step. With ``scheduler``, the address of a Dask cluster, the
    models are fitted there, side by side; workers read the training month from ``source`` themselves.

    A model is judged on rides it could not have learned from: the same month twice, or a month before the training
    month, is a UsageError. Raises what trips.load raises, CourseError when a month has no usable trips, and what
    cluster.cluster raises.
    """
    first, second = months.parse(train), months.parse(valid)
    _check_order(first, second)
    if not models:
        raise UsageError(f"Name at least one model: {', '.join(NAMES)}.")
    unfitted = {name: model_wing.build(name, with_distance, random_state) for name in dict.fromkeys(models)}
    say = progress or (lambda _line: None)
    cleaned = {}
    for month in (first, second):
        say(f"reading and cleaning {month}")
        cleaned[str(month)] = _clean_month(str(month), source, rows)
    learned, scored = (cleaned[str(month)].trips for month in (first, second))
    if scheduler is None:
        done = {}
        for name, model in unfitted.items():
            say(f"training {name} on {len(learned):,} rides")
            done[name] = fit_model(model, learned)
    else:
        say(f"training {', '.join(unfitted)} on {len(learned):,} rides, on the cluster")
        done = _fitted_on_cluster(unfitted, str(first), source, rows, scheduler, say)
    fitted = {name: model for name, (model, _) in done.items()}
    say(f"scoring on {len(scored):,} rides of {second}")
    return TrainingReport(
        train=str(first),
        valid=str(second),
        source=sources.choose(source).name,
        with_distance=with_distance,
        account=pd.DataFrame({month: result.account for month, result in cleaned.items()}),
        scores=evaluation.compare(fitted, scored),
        models=fitted,
        seconds={name: seconds for name, (_, seconds) in done.items()},
        train_trips=learned,
        valid_trips=scored,
        rows_asked=rows,
    )


def fit_model(model: DurationPipeline, learned: pd.DataFrame) -> tuple[DurationPipeline, float]:
    """The model fitted on cleaned trips, and the seconds it took."""
    start = time.perf_counter()
    return model.fit(learned, learned["duration"]), time.perf_counter() - start


def fit_on_month(
    model: DurationPipeline, month: str, source: trips.SourceName, rows: int | None
) -> tuple[DurationPipeline, float]:
    """The model fitted on a month that is read and cleaned where this runs, and the seconds that fitting took."""
    return fit_model(model, _clean_month(month, source, rows).trips)


def _fitted_on_cluster(
    unfitted: dict[str, DurationPipeline],
    month: str,
    source: trips.SourceName,
    rows: int | None,
    scheduler: str,
    say: Callable[[str], None],
) -> dict[str, tuple[DurationPipeline, float]]:
    from course_lib.taxi import cluster

    origin = sources.chosen_name(source)
    tasks = {f"train-{name}": (fit_on_month, (model, month, origin, rows)) for name, model in unfitted.items()}
    done = {}
    with cluster.cluster(cluster.check_address(scheduler)) as client:
        for task, outcome in cluster.answers(client, tasks):
            name = task.removeprefix("train-")
            if outcome.error:
                raise CourseError(f"training {name}: {outcome.error}")
            done[name] = outcome.value
            say(f"{name} is trained ({outcome.value[1]:.1f} s)")
    return {name: done[name] for name in unfitted}


def _check_order(train: months.Month, valid: months.Month) -> None:
    if train == valid:
        raise UsageError(
            f"The models would be scored on the month they learned from ({train}), and look better than they are. "
            f"Score on a later month, for example {train.next()}."
        )
    if valid < train:
        raise UsageError(
            f"{valid} comes before {train}: a model that learned from the future can't be judged on the past. "
            f"Score on a later month, for example {train.next()}."
        )


def _clean_month(month: str, source: trips.SourceName, rows: int | None) -> cleaning.Cleaned:
    cleaned = cleaning.clean(trips.load(month, source=source, rows=rows, columns=_COLUMNS), month)
    if len(cleaned.trips) == 0:
        counts = ", ".join(f"{reason}: {count}" for reason, count in cleaned.account.items() if count)
        raise CourseError(f"No usable trips are left in {month} ({counts}).")
    return cleaned
