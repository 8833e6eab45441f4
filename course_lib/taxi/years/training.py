"""From years of months to one model: cut each month, add up the means, grow trees part by part, score on a later month.

report = years.training.train("2019-01:2021-12", "2022-01")
report.scores                    # all rides, a sample, the mean: on rides later than all they learned from
report.models["streamed"].predict(trips)

The months are cut here or on a cluster, whichever is given; the trees are grown in one place, since each round needs
one part of the rides only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from course_lib import paths
from course_lib.errors import CourseError, UsageError
from course_lib.taxi import evaluation, models, months, sources, storage
from course_lib.taxi.features import BOOKING_COLUMNS, Boroughs, TripTime, ZoneGeometry
from course_lib.taxi.models import DurationPipeline
from course_lib.taxi.years import slices
from course_lib.taxi.years.means import FOLDS, Sums
from course_lib.taxi.years.trees import StreamedTrees

#: Rides that are in memory at a time, and rides of the sample that a usual model learns from.
CHUNK, SAMPLE = 500_000, 200_000
STREAMED, SAMPLED = "streamed", "boosting_on_sample"


@dataclass(frozen=True)
class YearsReport:
    """What training on many months did and how good its models are.

    ``account`` counts rows by reason of cleaning, a column for each training month. ``scores`` has a row for each of
    ``models`` (all rides streamed, the usual boosting on a sample, the mean) as evaluation.score gives them;
    ``learned`` says from how many rides each learned, ``seconds`` how long cutting and fitting took.
    """

    months: list[str]
    valid: str
    source: str
    account: pd.DataFrame
    scores: pd.DataFrame
    models: dict[str, DurationPipeline] = field(repr=False)
    learned: dict[str, int]
    seconds: dict[str, float]
    rows_asked: int | None = None

    @property
    def best(self) -> str:
        """The name of the model with the smallest RMSE."""
        return str(self.scores["rmse"].idxmin())

    @property
    def train(self) -> str:
        """The months that it learned from, in words."""
        return months.listed(self.months)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain numbers and words."""
        scores = self.scores.astype(object).where(self.scores.notna(), None)
        return {
            "train": self.months,
            "valid": self.valid,
            "source": self.source,
            "kept": {month: int(self.account.loc["kept", month]) for month in self.months},
            "rows": {month: int(rows) for month, rows in self.account.sum().items()},
            "learned": self.learned,
            "scores": scores.to_dict(orient="index"),
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "best": self.best,
        }


def train(
    names: Sequence[str],
    valid: str,
    *,
    source: str | None = None,
    rows: int | None = None,
    work: str | os.PathLike[str] | None = None,
    trees: int = 300,
    chunk: int = CHUNK,
    sample: int = SAMPLE,
    threads: int = 1,
    seed: int = 0,
    scheduler: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> YearsReport:
    """Learn from all months ``names``, which may be more than memory holds, and score on the later month ``valid``.

    ``work`` is where cut months are kept: a folder or an address of a store (default: build/years); those that are
    there for the same trips are not cut again. ``chunk`` rides are in memory at a time. With ``scheduler``, the
    address of a Dask cluster, months are cut and trees grown there; all workers must see ``source`` and ``work``.
    ``progress`` is called with a line of text before each step.

    Raises UsageError for a month to score on that isn't later, what trips.load raises, and ClusterLost.
    """
    from course_lib.taxi.years import where

    started, say = time.perf_counter(), progress or (lambda _line: None)
    _check(names, valid)
    place = storage.at(work if work is not None else paths.build_dir() / "years")
    origin = sources.chosen_name(source)
    with where.somewhere(scheduler, place, say) as do:
        cut = do.cut(names, place, origin, rows, seed)
        seconds = {"cut": time.perf_counter() - started}
        streamed, seconds[STREAMED] = do.one("the trees", grow, cut, place, trees, chunk, threads, seed)
        fitted = {STREAMED: streamed}
        for name, model in ((SAMPLED, "boosting"), ("mean", "mean")):
            fitted[name], seconds[name] = do.one(name, fit_on_sample, model, cut, place, sample, seed)
    say(f"scoring on {valid}")
    total = sum(one.rides for one in cut)
    return YearsReport(
        months=list(names),
        valid=valid,
        source=origin,
        account=pd.DataFrame({one.month: pd.Series(one.account) for one in cut}),
        scores=score(fitted, valid, source, rows),
        models=fitted,
        learned={STREAMED: total, SAMPLED: min(sample, total), "mean": min(sample, total)},
        seconds=seconds,
        rows_asked=rows,
    )


def grow(
    cut: Sequence[slices.Sliced],
    place: storage.Place,
    trees: int = 300,
    chunk: int = CHUNK,
    threads: int = 1,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[DurationPipeline, float]:
    """A model of all rides of months that are cut, and the seconds it took."""
    started = time.perf_counter()
    sums = slices.sums([one.month for one in cut], place)
    parts = [Part(place, wanted, sums) for wanted in slices.chunks(cut, chunk, seed)]
    model = StreamedTrees(trees=trees, threads=threads, seed=seed).fit_parts(parts, progress)
    return DurationPipeline([("features", _features(sums)), ("model", model)]), time.perf_counter() - started


def fit_on_sample(
    name: str, cut: Sequence[slices.Sliced], place: storage.Place, sample: int, seed: int
) -> tuple[DurationPipeline, float]:
    """A usual model (models.build) of about ``sample`` rides drawn from all months, and the seconds it took."""
    started = time.perf_counter()
    rides, _ = slices.read(slices.chunks(cut, sample, seed)[0], place)
    rides = rides.head(sample) if len(rides) <= sample else rides.sample(sample, random_state=seed)
    return models.build(name, random_state=seed).fit(rides, rides["duration"]), time.perf_counter() - started


class Part:
    """A part of the rides as trees take it: features with means of the other folds only, and minutes."""

    def __init__(self, place: storage.Place, wanted: list[tuple[str, int]], sums: Sums) -> None:
        self.place, self.wanted, self.sums = place, wanted, sums

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        rides, fold = slices.read(self.wanted, self.place)
        known = _known()
        features = np.empty((len(rides), len(known.get_feature_names_out()) + 3), np.float32)
        for start in range(0, len(rides), 100_000):  # the steps between take eight times as much
            part = slice(start, start + 100_000)
            features[part, :-3] = known.transform(rides.iloc[part])
        for number in range(FOLDS):
            features[fold == number, -3:] = self.sums.means(without=number).transform(rides[fold == number])
        return features, rides["duration"].to_numpy(np.float32)


def _parts() -> list[tuple[str, Any]]:
    return [("geometry", ZoneGeometry()), ("boroughs", Boroughs()), ("time", TripTime())]


def _known() -> Any:
    """The features that nothing has to be learned for."""
    from sklearn.pipeline import FeatureUnion

    return FeatureUnion([(name, part.fit(_none())) for name, part in _parts()], verbose_feature_names_out=False)


def _features(sums: Sums) -> Any:
    from sklearn.pipeline import FeatureUnion

    known = [(name, part.fit(_none())) for name, part in _parts()]
    return FeatureUnion([*known, ("means", sums.means())], verbose_feature_names_out=False)


def _none() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in BOOKING_COLUMNS})


def score(fitted: dict[str, DurationPipeline], month: str, source: str | None, rows: int | None) -> pd.DataFrame:
    """Scores on a month, read batch by batch: a row for each model, the columns of evaluation.compare."""
    minutes, said = [], {name: [] for name in fitted}
    for rides in slices.cleaned_batches(month, source, rows):
        minutes.append(rides["duration"].to_numpy())
        for name, model in fitted.items():
            said[name].append(model.predict(rides[BOOKING_COLUMNS]))
    if not sum(map(len, minutes)):
        raise CourseError(f"No usable trips are left in {month} to score on.")
    actual = np.concatenate(minutes)
    found = {name: evaluation.score(actual, np.concatenate(parts)) for name, parts in said.items()}
    table = pd.DataFrame.from_dict(found, orient="index", columns=list(evaluation.METRICS)).assign(n=len(actual))
    return table.rename_axis("model")


def _check(names: Sequence[str], valid: str) -> None:
    if not names:
        raise UsageError("Name at least one month to learn from.")
    last = max(months.parse(name) for name in names)
    if months.parse(valid) <= last:
        raise UsageError(
            f"The models would be scored on {valid}, which is not later than all that they learn from (until {last}). "
            f"Score on a later month, for example {last.next()}."
        )


def signature(report: YearsReport, source: str | None) -> pd.DataFrame:
    """A few rides of the month it was scored on, as the app sends them."""
    batch = next(slices.cleaned_batches(report.valid, source, report.rows_asked))
    return batch[BOOKING_COLUMNS].head(5)
