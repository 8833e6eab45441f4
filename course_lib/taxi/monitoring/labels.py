"""Predictions beside the labels that came in later: every prediction once, and no row lost without a word.

joined = labels.join(predictions, arrived)
joined.rides          # one row for each prediction; `duration` is NaN while it waits
joined.account        # what became of every prediction and of every label; both add up

Predictions are joined by ``prediction_id``: taxi rides repeat in every other column.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import cleaning, months, trips
from course_lib.taxi.feature_base import BOOKING_COLUMNS

#: What a prediction has here, wherever it came from.
PREDICTION = ["prediction_id", *BOOKING_COLUMNS, "minutes", "model_version"]
_STORE = dict(zip(("pickup", "dropoff", "pickup_time"), BOOKING_COLUMNS, strict=True))


@dataclass(frozen=True)
class Account:
    """Where all rows went.

    ``predictions`` came in: each is ``labelled``, still ``waiting``, or a ``repeated`` row of one that is there.
    ``labels`` came in: each was ``labelled`` (used), ``duplicate`` (a later one for the same prediction was used, or
    the same once more), for an ``unknown`` prediction, ``not_yet`` (arrives after the moment asked for), or
    ``unusable`` (no duration above 0, or no id).
    """

    predictions: int = 0
    labelled: int = 0
    waiting: int = 0
    repeated: int = 0
    labels: int = 0
    duplicate: int = 0
    unknown: int = 0
    not_yet: int = 0
    unusable: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether no row is lost or counted twice."""
        given = self.labelled + self.waiting + self.repeated == self.predictions
        return given and self.labelled + self.duplicate + self.unknown + self.not_yet + self.unusable == self.labels

    @property
    def share(self) -> float:
        """Share (0…1) of predictions that have a label; NaN when there are none."""
        there = self.labelled + self.waiting
        return self.labelled / there if there else float("nan")

    def __add__(self, other: Account) -> Account:
        return Account(**{name: count + getattr(other, name) for name, count in vars(self).items()})

    def __str__(self) -> str:
        text = f"{self.labelled:,} of {self.labelled + self.waiting:,} predictions have a label"
        left = {
            "duplicates": self.duplicate,
            "for unknown predictions": self.unknown,
            "not here yet": self.not_yet,
            "unusable": self.unusable,
        }
        left = {name: count for name, count in left.items() if count}
        aside = ", ".join(f"{count:,} {name}" for name, count in left.items())
        return text + (f"; labels set aside: {aside}" if aside else "")


@dataclass(frozen=True)
class Joined:
    """``rides``: the predictions in their order, each once, with ``duration`` (minutes, NaN while it waits)."""

    rides: pd.DataFrame
    account: Account

    @property
    def labelled(self) -> pd.DataFrame:
        """The rides whose label is there."""
        return self.rides[self.rides["duration"].notna()]


def join(predictions: pd.DataFrame, labels: pd.DataFrame, now: pd.Timestamp | str | None = None) -> Joined:
    """Put ``labels`` (``prediction_id``, ``duration`` in minutes, perhaps ``arrived_at``) beside ``predictions``.

    Of several labels for one prediction the last that arrived counts (without ``arrived_at``: the last row): meters
    send corrections. With ``now`` those that arrived later don't exist yet. Neither input is changed; no labels at all
    is a normal state. Raises UsageError for columns that aren't there.
    """
    _needs(predictions, ["prediction_id", "minutes"], "predictions")
    _needs(labels, ["prediction_id", "duration", *(["arrived_at"] if now is not None else [])], "labels")
    rides = predictions.drop_duplicates("prediction_id").drop(columns="duration", errors="ignore")
    left, counts = labels, {}

    def set_aside(name: str, rows: pd.Series) -> None:
        nonlocal left
        counts[name] = int(rows.sum())
        left = left[~rows]

    if now is not None:
        set_aside("not_yet", ~(left["arrived_at"] <= _moment(now)))
    minutes = pd.to_numeric(left["duration"], errors="coerce").astype("float64")
    left = left.assign(duration=minutes)
    set_aside("unusable", ~((minutes > 0) & (minutes < float("inf"))) | left["prediction_id"].isna())
    set_aside("unknown", ~left["prediction_id"].isin(rides["prediction_id"]))
    if "arrived_at" in left:
        left = left.sort_values("arrived_at", kind="stable", na_position="first")
    set_aside("duplicate", left.duplicated("prediction_id", keep="last"))
    known = left.set_index("prediction_id")["duration"]
    rides = rides.assign(duration=rides["prediction_id"].map(known).astype("float64")).reset_index(drop=True)
    labelled = int(rides["duration"].notna().sum())
    account = Account(
        predictions=len(predictions),
        labelled=labelled,
        waiting=len(rides) - labelled,
        repeated=len(predictions) - len(rides),
        labels=len(labels),
        **counts,
    )
    return Joined(rides, account)


def from_store(rows: pd.DataFrame, shadow: bool = False) -> pd.DataFrame:
    """Rows of the prediction store (``PredictionStore.read``) as predictions; of what riders saw, or of the shadow."""
    _needs(rows, ["prediction_id", *_STORE, "minutes", "shadow"], "rows of the store")
    chosen = rows[rows["shadow"].astype(bool) == shadow]
    return chosen.rename(columns=_STORE).reset_index(drop=True)


def from_batch(scored: pd.DataFrame, month: str) -> pd.DataFrame:
    """Rows of a scored month (``Scored.read``) as predictions; the id is the month and the row in its file.

    Pickups outside of the month are left out: clocks that were never set put rides of 2008 into every month.
    """
    _needs(scored, ["row", *BOOKING_COLUMNS, "minutes"], "scored rows")
    name = months.parse(month)
    times = scored[BOOKING_COLUMNS[2]]
    inside = scored[(times >= name.start) & (times < name.end)]
    return inside.assign(prediction_id=_ids(name, inside["row"])).drop(columns="row").reset_index(drop=True)


def of_month(
    month: str, *, source: trips.SourceName = None, rows: int | None = None, delay: str | pd.Timedelta = "0h"
) -> pd.DataFrame:
    """The labels that a month's file gives for predictions as of :func:`from_batch`.

    Rides that cleaning drops have none. ``arrived_at`` is ``delay`` after the drop-off. Raises what trips.load raises.
    """
    name = months.parse(month)
    columns = [*BOOKING_COLUMNS, "lpep_dropoff_datetime"]
    raw = trips.load(str(name), source=source, rows=rows, columns=columns).reset_index(drop=True)
    kept = cleaning.clean(raw, str(name)).trips
    return pd.DataFrame(
        {
            "prediction_id": _ids(name, kept.index.to_series()),
            "duration": kept["duration"],
            "arrived_at": kept["lpep_dropoff_datetime"] + pd.Timedelta(delay),
        }
    ).reset_index(drop=True)


def _moment(now: pd.Timestamp | str) -> pd.Timestamp:
    try:
        return pd.Timestamp(now)
    except ValueError:
        raise UsageError(f"'{now}' is no moment; one is written 2021-03-16 or 2021-03-16T08:30.") from None


def _ids(month: months.Month, rows: pd.Series) -> pd.Series:
    return f"{month}/" + rows.astype("int64").astype(str)


def _needs(frame: pd.DataFrame, columns: list[str], what: str) -> None:
    if missing := [name for name in columns if name not in frame.columns]:
        raise UsageError(f"The {what} lack {', '.join(missing)}. They have: {', '.join(map(str, frame.columns))}.")
