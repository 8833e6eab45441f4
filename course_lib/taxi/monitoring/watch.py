"""Months watched as they would have been while they happened: scored, labelled, measured, judged.

result = monitor("2021-02:2021-05", model="boosting", reference="2021-01")
result.standing               # alerts that stand at the end
result.weeks, result.drift, result.slices     # the figures, as DataFrames
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import months, sources, trips
from course_lib.taxi.backfill_plan import parse_months
from course_lib.taxi.monitoring import alerts, baseline, drift, labels, performance, rules, slices, stored, subject

REFERENCE = "2021-01"
#: A week needs so many rides for drift, whose index is otherwise luck.
MIN_DRIFT_RIDES = 300


@dataclass(frozen=True)
class MonitorResult:
    """What the watch saw.

    ``weeks`` is performance.over_time by week, ``by_month`` the same by month; ``drift`` has a row for each week and
    feature, ``month_drift`` maps months to drift.table; ``slices`` maps slices.SLICES to tables of the last month that
    has labels. ``stories`` has one entry for each rule. ``rides`` and ``known`` are the rides themselves, of ``months``
    and of the reference month, with ``minutes`` and ``duration``.
    """

    months: list[str]
    reference: str
    model: str
    source: str
    baseline: baseline.Baseline
    account: labels.Account
    out_of_month: int
    weeks: pd.DataFrame = field(repr=False)
    by_month: pd.DataFrame = field(repr=False)
    drift: pd.DataFrame = field(repr=False)
    month_drift: dict[str, pd.DataFrame] = field(repr=False)
    slices: dict[str, pd.DataFrame] = field(repr=False)
    stories: list[alerts.Story] = field(repr=False)
    rides: pd.DataFrame = field(repr=False)
    known: pd.DataFrame = field(repr=False)

    @property
    def alerts(self) -> list[alerts.Alert]:
        """All alerts, cleared ones too, in the order in which they were raised."""
        return sorted((one for story in self.stories for one in story.alerts), key=lambda one: one.raised)

    @property
    def standing(self) -> list[alerts.Alert]:
        """The alerts that stand at the end."""
        return [one for one in self.alerts if one.cleared is None]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what couldn't be told is None."""
        drifted = {month: _records(table, "feature") for month, table in self.month_drift.items()}
        return {
            "months": self.months,
            "reference": self.reference,
            "model": self.model,
            "source": self.source,
            "baseline": self.baseline.as_dict(),
            "account": {**vars(self.account), "out_of_month": self.out_of_month},
            "standing": [one.as_dict() for one in self.standing],
            "alerts": [one.as_dict() for one in self.alerts],
            "by_month": _records(self.by_month, "start"),
            "weeks": _records(self.weeks, "start"),
            "drift": drifted,
            "slices": {name: _records(table, "slice") for name, table in self.slices.items()},
        }


def monitor(
    wanted: str | Sequence[str],
    *,
    reference: str = REFERENCE,
    model: str | Any = None,
    alias: str = "champion",
    source: trips.SourceName = None,
    rows: int | None = None,
    folder: str | Path | None = None,
    chosen_rules: Sequence[alerts.Rule] = rules.RULES,
    min_rides: int = performance.MIN_RIDES,
    now: str | pd.Timestamp | None = None,
    store: str | None = None,
    labels_file: str | Path | None = None,
    shadow: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> MonitorResult:
    """Watch the months ``wanted`` (as parse_months reads them) against the month ``reference``.

    ``model`` is a name of models.NAMES, trained here on the reference month, or a fitted model; None takes the one the
    registry's ``alias`` means. ``source`` and ``rows`` go to trips.load. Scored days are kept in ``folder`` (None: they
    are not kept). With ``now`` only labels of rides that had ended by then are there. ``progress`` hears what is done.

    With a ``store`` (the URL of a prediction store) nothing is scored: what the service told riders is read there, or
    with ``shadow`` what its challenger would have told them, and labels come from ``labels_file`` (stored.read_labels).
    ``model`` or ``alias`` then only says by which model the baseline is found.

    Raises UsageError for months that are misspelt, not there, backwards, or not after the reference month (a model
    isn't watched on rides it may have learned from), CourseError where there is nothing to measure, and what
    tracking.load raises.
    """
    names = parse_months(wanted)
    if store is None and (labels_file is not None or shadow):
        raise UsageError("A file of labels, or the shadow's answers, belong to a prediction store: name it, too.")
    before = subject.checked(names, reference, source, stored=store is not None)
    progress(f"reading {before}, the reference")
    known = subject.cleaned(before, source, rows)
    fitted, called, version = subject.model_of(model, alias, known, before, progress)
    progress("finding the baseline")
    held = baseline.of(fitted, known)
    if store is not None:
        progress("reading the prediction store")
        joined = [(stored.rides_of(names, store, labels_file, shadow=shadow, now=now), 0)]
        called = f"{stored.versions(joined[0][0].rides)}, from the prediction store"
    else:
        with subject.kept(folder) as home:
            joined = [subject.scored_month(name, fitted, version, home, source, rows, now, progress) for name in names]
    rides = pd.concat([one.rides for one, _ in joined], ignore_index=True)
    if rides.empty:
        raise CourseError(f"There are no rides in {months.listed(names)}: nothing can be measured.")
    progress("measuring drift and error")
    weeks = performance.over_time(rides, "week", min_rides)
    known = known.assign(minutes=fitted.predict(known))
    looks = drift.features(known)
    drifted = drift_over_time(looks, rides)
    watched = _watched(drifted)
    return MonitorResult(
        months=names,
        reference=before,
        model=called,
        source=sources.choose(source).name,
        baseline=held,
        account=sum((one.account for one, _ in joined), labels.Account()),
        out_of_month=sum(outside for _, outside in joined),
        weeks=weeks,
        by_month=performance.over_time(rides, "month", min_rides),
        drift=drifted,
        month_drift={f"{at:%Y-%m}": drift.table(looks, part) for at, _, part in performance.windows(rides, "month")},
        slices=_slices(rides, min_rides),
        rides=rides,
        known=known,
        stories=[
            alerts.follow(rule, rules.observations(rule.name, weeks, watched, held)) for rule in chosen_rules
        ],
    )  # fmt: skip


def drift_over_time(reference: pd.DataFrame, rides: pd.DataFrame, every: str = "week") -> pd.DataFrame:
    """PSI of each watched feature in each window: columns start, end, n, feature, psi; weeks of few rides have NaN.

    Windows by the calendar hold all weekdays and hours; zones have too many kinds for a week (see :mod:`.rules`).
    """
    looked = reference if "pickup borough" in reference else drift.features(reference)
    rows = []
    for start, end, part in performance.windows(rides, every):
        enough = len(part) >= MIN_DRIFT_RIDES
        table = drift.table(looked[list(rules.WATCHED)], drift.features(part)) if enough else None
        for name in rules.WATCHED:
            value = float("nan") if table is None or name not in table.index else float(table.loc[name, "psi"])
            rows.append({"start": start, "end": end, "n": len(part), "feature": name, "psi": value})
    return pd.DataFrame(rows, columns=["start", "end", "n", "feature", "psi"])


def _watched(drifted: pd.DataFrame) -> pd.DataFrame:
    """The feature that drifted most in each window, and how far: what the rule looks at."""
    rows = {}
    for start, part in drifted.groupby("start", sort=True):
        told = part.dropna(subset="psi")
        most = told.loc[told["psi"].idxmax()] if len(told) else part.iloc[0]
        feature = most["feature"] if len(told) else "too few rides"
        rows[start] = {"end": most["end"], "n": most["n"], "value": most["psi"], "feature": feature}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["end", "n", "value", "feature"])


def _slices(rides: pd.DataFrame, min_rides: int) -> dict[str, pd.DataFrame]:
    labelled = rides[rides["duration"].notna()]
    chosen = labelled if len(labelled) else rides
    *_, (_, _, last) = performance.windows(chosen, "month")
    return {by: slices.by_slice(last, by, min_rides) for by in slices.SLICES}


def _records(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    """Rows as plain values, times as text, NaN as None."""
    rows = table.rename_axis(name).reset_index()
    return [{key: _plain(value) for key, value in row.items()} for row in rows.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and value != value else value
