"""Answers nobody waits for: a whole month of bookings scored at once, day by day, each day whole or not at all.

Stopped anywhere and started again, it scores only what is missing. A day is scored again when its bookings or the
model's version have changed, and only then.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from course_lib.taxi import months, storage, trips
from course_lib.taxi.feature_base import BOOKING_COLUMNS

_KEY = b"taxi.scored"
_OTHER = "other"  # rows of the month's file that were picked up in another month


@dataclass(frozen=True)
class Scored:
    """A scored month: its folder of parquet files (a file a day), its rows, and how many days were worked on."""

    month: str
    folder: storage.Place
    rows: int
    days_scored: int
    days_kept: int

    def read(self) -> pd.DataFrame:
        """All rows: ``row`` (position in the month's file), BOOKING_COLUMNS, ``minutes`` and ``model_version``."""
        parts = []
        for name in self.folder.names():
            with self.folder.opened(name) as file:
                parts.append(pd.read_parquet(file))
        return pd.concat(parts).sort_values("row", ignore_index=True)


def score_month(
    month: str,
    model: Any,
    version: int,
    folder: str | os.PathLike[str],
    *,
    source: trips.SourceName = None,
    rows: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scored:
    """Predict every booking of a month with a fitted ``model``, into ``folder``/<month>; returns what is there.

    ``folder`` is a path or a store's address. ``version`` is the model's, stored with every row. ``source`` and
    ``rows`` go to trips.load; ``progress(done, days)`` is called after each day. Every row of the month's file gets an
    answer, dirt included: a booking is a booking. Raises what trips.load raises, and storage.StorageError.
    """
    name = str(months.parse(month))
    bookings = trips.load(name, source=source, rows=rows, columns=BOOKING_COLUMNS)[BOOKING_COLUMNS]
    bookings = bookings.reset_index(drop=True)
    times = bookings[BOOKING_COLUMNS[2]]
    days = times.dt.strftime("%Y-%m-%d").where(times.dt.strftime("%Y-%m") == name, _OTHER)
    target = storage.at(folder) / name
    there = target.names()
    parts = {f"{day}.parquet": part for day, part in bookings.groupby(days, sort=True)}
    scored = 0
    for number, (file, part) in enumerate(parts.items(), 1):
        key = _key(part, version)
        if file not in there or _key_of(target, file) != key:
            _write(target, file, _predicted(part, model, version), key)
            scored += 1
        if progress:
            progress(number, len(parts))
    target.sweep()  # halves of files that somebody who was killed has left
    for file in set(there) - parts.keys():  # a day that is gone from the month
        target.remove(file)
    return Scored(name, target, len(bookings), scored, len(parts) - scored)


def _predicted(part: pd.DataFrame, model: Any, version: int) -> pd.DataFrame:
    minutes = np.asarray(model.predict(part.reset_index(drop=True)), dtype=np.float64)
    result = part.assign(minutes=minutes, model_version=version)
    result.insert(0, "row", part.index)
    return result


def _key(part: pd.DataFrame, version: int) -> bytes:
    rows = pd.util.hash_pandas_object(part, index=True).to_numpy()
    return hashlib.sha256(rows.tobytes() + f"version {version}".encode()).hexdigest().encode()


def _key_of(place: storage.Place, file: str) -> bytes | None:
    """What a finished day was made from; None where there is no whole file."""
    try:
        with place.opened(file) as stored:
            return (pq.read_schema(stored).metadata or {}).get(_KEY)
    except (OSError, pa.ArrowException):
        return None


def _write(place: storage.Place, file: str, table: pd.DataFrame, key: bytes) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _KEY: key})
    with place.writing(file) as part:
        pq.write_table(arrow, part)
