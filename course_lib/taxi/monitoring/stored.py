"""What the service really told riders, read back from the prediction store, beside the labels that came in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import months
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.monitoring import labels

_NO_LABELS = {"prediction_id": "str", "duration": "float64", "arrived_at": "datetime64[us]"}


def rides_of(
    names: Sequence[str],
    store: str,
    labels_file: str | Path | None = None,
    *,
    shadow: bool = False,
    now: str | pd.Timestamp | None = None,
) -> labels.Joined:
    """Rides that were to begin in the months ``names`` (2021-02, …), from the store at the URL ``store``, with labels.

    ``shadow`` takes what the challenger would have said, not what riders saw. ``labels_file`` is as
    :func:`read_labels` reads it; without one no label has come yet. Raises UsageError for a URL or a file that is
    none, CourseError for a store that can't be read or has no prediction of these months (it says what it has).
    """
    arrived = read_labels(labels_file)
    told = labels.from_store(_read(store), shadow)
    wanted = told[BOOKING_COLUMNS[2]].dt.strftime("%Y-%m").isin([str(months.parse(name)) for name in names])
    if not wanted.any():
        raise CourseError(_nothing(names, told, shadow))
    if now is not None and "arrived_at" not in arrived:
        raise UsageError(f"To see only what was known by {now}, the labels need a column arrived_at; they have none.")
    # labels of other months' rides belong to predictions that are known, only not looked at here
    others = arrived["prediction_id"].isin(told.loc[~wanted, "prediction_id"])
    return labels.join(told[wanted], arrived[~others], now=now)


def read_labels(file: str | Path | None) -> pd.DataFrame:
    """Labels from a CSV or parquet file: ``prediction_id``, ``duration`` (minutes), perhaps ``arrived_at``.

    None is a table without rows. What in it is no number or no time counts as missing. Raises UsageError for a file
    that isn't there, can't be read, or lacks a column.
    """
    if file is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _NO_LABELS.items()})
    path = Path(file)
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"prediction_id": str})
    except OSError as error:
        raise UsageError(f"The labels in {path} can't be read: {error.strerror or error}.") from error
    except ValueError as error:  # pandas' parser errors and pyarrow's are ValueErrors
        raise UsageError(f"{path} holds no table of labels: {str(error).strip()}") from error
    if missing := [name for name in ("prediction_id", "duration") if name not in table]:
        raise UsageError(f"The labels in {path} lack {', '.join(missing)}. They have: {', '.join(map(str, table))}.")
    return table.assign(arrived_at=_wall_times(table["arrived_at"], path)) if "arrived_at" in table else table


def versions(rides: pd.DataFrame) -> str:
    """Which models gave these answers, for people: ``taxi-duration version 3 and 4``."""
    given = rides[["model_name", "model_version"]].drop_duplicates().sort_values(["model_name", "model_version"])
    named = given.astype({"model_version": str}).groupby("model_name", sort=True)["model_version"].agg(" and ".join)
    return "; ".join(f"{name} version {numbers}" for name, numbers in named.items())


def _wall_times(column: pd.Series, path: Path) -> pd.Series:
    """Times as the rides' own: New York's, without an offset; what is no time is missing."""
    try:
        times = pd.to_datetime(column, errors="coerce", format="mixed")
    except ValueError as error:  # offsets on some of them, or several offsets
        raise UsageError(f"The times in column arrived_at of {path} aren't of one kind: {error}") from error
    if times.dt.tz is not None:
        times = times.dt.tz_convert("America/New_York").dt.tz_localize(None)
    return times.astype("datetime64[us]")


def _read(url: str) -> pd.DataFrame:
    import sqlalchemy as sa

    from course_lib.taxi.service.store import PredictionStore

    store = PredictionStore(url)
    file = store.url.database if store.url.get_dialect().name == "sqlite" else None
    if file and file != ":memory:" and not Path(file).is_file():
        raise UsageError(f"There is no prediction store {file}: `course serve` makes one with its first answer.")
    try:
        return store.read()
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        where = store.url.render_as_string(hide_password=True)
        raise CourseError(f"The prediction store {where} can't be read: {reason}") from error
    finally:
        store.close()


def _nothing(names: Sequence[str], told: pd.DataFrame, shadow: bool) -> str:
    kind = "shadow predictions" if shadow else "predictions"
    text = f"The store has no {kind} for rides in {months.listed(names)}"
    if not len(told):
        return f"{text}: it has none at all."
    times = told[BOOKING_COLUMNS[2]]
    return f"{text}: its {len(told):,} are for rides from {times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}."
