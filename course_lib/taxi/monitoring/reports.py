"""Evidently's reports of drift and of regression, as pages and as JSON, with a verdict for each column.

Evidently takes seconds to import, so it is imported where it is used. Zone numbers are left out of its verdicts: they
are 263 categories, and on a few thousand rides its test calls them drifted when nothing has changed at all. They are
there as boroughs. The verdict on the whole data set is left out as well: it says "not drifted" until half of all
columns have, whatever happened to the one that matters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.monitoring import drift as drifting
from course_lib.taxi.pipeline_files import replacing

if TYPE_CHECKING:
    from evidently.core.report import Snapshot

    from course_lib.taxi.monitoring.watch import MonitorResult

#: What Evidently judges, by its type there. Not the zones: see above.
NUMERIC = ("miles", "hour", "predicted", "duration")
CATEGORICAL = ("weekday", "pickup borough", "dropoff borough")
LEFT_OUT = ("pickup zone", "dropoff zone")


@dataclass(frozen=True)
class EvidentlyReport:
    """A report that was run: ``snapshot`` is Evidently's, shown as a page by a notebook.

    ``verdicts`` has a row for each column: ``method``, ``score``, ``threshold`` and ``drifted`` (empty for regression).
    """

    kind: str
    snapshot: Snapshot
    verdicts: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """Evidently's own figures."""
        return self.snapshot.dict()

    def save(self, folder: str | Path) -> dict[str, str]:
        """Write ``<kind>.html`` (megabytes) and ``<kind>.json``; returns their paths. Raises CourseError."""
        home = Path(folder)
        try:
            home.mkdir(parents=True, exist_ok=True)
            with replacing(home / f"{self.kind}.html") as part:
                self.snapshot.save_html(str(part))
            with replacing(home / f"{self.kind}.json") as part:
                part.write_text(json.dumps(self.as_dict(), default=str), encoding="utf-8")
        except OSError as error:
            raise CourseError(f"The report can't be written to {home}: {error.strerror or error}.") from error
        return {f"{self.kind}_{end}": str(home / f"{self.kind}.{end}") for end in ("html", "json")}


def drift(reference: pd.DataFrame, current: pd.DataFrame, threshold: float = drifting.SOME) -> EvidentlyReport:
    """Evidently's drift report of ``current`` trips against ``reference`` trips, by PSI with one ``threshold``.

    Its default would choose a test by the number of rides: a p-value for few, a distance for many. By PSI the verdicts
    of two windows mean the same. (Its bins are its own: figures differ a little from drift.table.) Raises CourseError
    when either side is empty.
    """
    before, now = drifting.features(reference), drifting.features(current)
    if not len(before) or not len(now):
        raise CourseError("A report of drift needs rides on both sides, and one has none.")
    both = [name for name in (*NUMERIC, *CATEGORICAL) if _has(before, name) and _has(now, name)]
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(
        numerical_columns=[name for name in both if name in NUMERIC],
        categorical_columns=[name for name in both if name in CATEGORICAL],
    )
    sides = [Dataset.from_pandas(side[both], data_definition=definition) for side in (now, before)]
    report = Report([DataDriftPreset(columns=both, method="psi", threshold=threshold)], include_tests=True)
    found = report.run(*sides)
    return EvidentlyReport("drift", found, _verdicts(found.dict()))


def regression(rides: pd.DataFrame, reference: pd.DataFrame | None = None) -> EvidentlyReport:
    """Evidently's regression report of rides with ``minutes`` and ``duration``; rides without a label are left out.

    Raises UsageError for columns that aren't there, CourseError when no ride has a label.
    """
    sides = [_labelled(side) for side in (rides, reference) if side is not None]
    from evidently import DataDefinition, Dataset, Regression, Report
    from evidently.presets import RegressionPreset

    definition = DataDefinition(
        numerical_columns=["duration", "minutes"], regression=[Regression(target="duration", prediction="minutes")]
    )
    data = [Dataset.from_pandas(side, data_definition=definition) for side in sides]
    found = Report([RegressionPreset()]).run(*data)
    return EvidentlyReport("regression", found, pd.DataFrame(columns=_COLUMNS))


def of_month(result: MonitorResult, folder: str | Path) -> dict[str, str]:
    """Both reports of the last month that was watched, written to ``folder``; returns the paths by name.

    Without labels there is no regression report. Raises CourseError.
    """
    month = result.rides[BOOKING_COLUMNS[2]].dt.to_period("M")
    last = result.rides[month == month.max()]
    files = drift(result.known, last).save(folder)
    if last["duration"].notna().any():
        files |= regression(last, result.known).save(folder)
    return files


_COLUMNS = ["method", "score", "threshold", "drifted"]


def _verdicts(found: dict[str, Any]) -> pd.DataFrame:
    """A row for each column. Metrics are known by their configuration: their names change between releases."""
    rows = {}
    failed = {_column(test["metric_config"]): test["status"] for test in found["tests"]}
    for metric in found["metrics"]:
        settings = metric.get("config", {})
        if str(settings.get("type", "")).endswith(":ValueDrift"):
            name = settings["column"]
            drifted = str(getattr(failed[name], "value", failed[name])) == "FAIL"
            rows[name] = [settings["method"], float(metric["value"]), float(settings["threshold"]), drifted]
    return pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS).rename_axis("column")


def _column(config: Any) -> str | None:
    settings = config if isinstance(config, dict) else config.dict()
    return settings.get("params", settings).get("column")


def _has(features: pd.DataFrame, name: str) -> bool:
    return name in features and features[name].notna().any()


def _labelled(rides: pd.DataFrame) -> pd.DataFrame:
    if missing := [name for name in ("minutes", "duration") if name not in rides]:
        raise UsageError(f"The rides lack {', '.join(missing)}: take them from labels.join(predictions, labels).rides.")
    there = rides.loc[rides["duration"].notna(), ["minutes", "duration"]]
    if there.empty:
        raise CourseError("No ride has a label yet: there is no error to report.")
    return there.reset_index(drop=True)
