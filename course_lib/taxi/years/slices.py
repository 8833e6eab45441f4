"""One month of rides, cleaned, in random order, as a parquet file of slices; read a few slices at a time.

A slice is a row group of :data:`SLICE` rides drawn by lot from the whole month, so that some slices of every month
make a fair sample of all. Beside it lies a small table of the durations' counts, sums and squares by zone pair and
fold: all that smoothed means need, and it can be added up over months.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from course_lib.errors import CourseError
from course_lib.taxi import cleaning, contract, monthfile, months, storage, trips
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.years.means import FOLDS, Sums

#: Rides of a slice; a multiple of the folds, so that a ride's place in its slice says which fold it is in.
SLICE = 20_000
_BATCH = 250_000  # rows that are read and cleaned at a time
_READ = [*BOOKING_COLUMNS, "lpep_dropoff_datetime"]
_KEY = b"taxi.slices"
_SCHEMA = pa.schema(
    [
        ("PULocationID", pa.uint16()),
        ("DOLocationID", pa.uint16()),
        ("lpep_pickup_datetime", pa.timestamp("us")),
        ("duration", pa.float32()),
    ]
)


@dataclass(frozen=True)
class Sliced:
    """A month that is cut: its rides, their account (rows by reason of cleaning), and whether it was cut just now."""

    month: str
    rides: int
    account: dict[str, int]
    fresh: bool


def cut(
    month: str, place: storage.Place, *, source: str | None = None, rows: int | None = None, seed: int = 0
) -> Sliced:
    """Clean a month batch by batch and write its slices to ``place``, unless they are there for the same trips.

    ``source`` and ``rows`` as for trips.load. Needs about 50 bytes of memory for each ride, and 0.3 GB. Raises what
    trips.load raises, and CourseError when no ride is left.
    """
    key = _key(month, source, rows, seed)
    if (found := _there(month, place, key)) is not None:
        return found
    parts, account = [], dict.fromkeys(cleaning.REASONS, 0)
    for batch in _batches(month, source, rows):
        cleaned = cleaning.clean(batch, month)
        for reason, count in cleaned.account.items():
            account[str(reason)] += int(count)
        parts.append(_compact(cleaned.trips))
    rides = pa.concat_tables(parts)
    if rides.num_rows == 0:
        counts = ", ".join(f"{reason}: {count}" for reason, count in account.items() if count)
        raise CourseError(f"No usable trips are left in {month} ({counts}).")
    when = months.parse(month)
    lot = np.random.default_rng([seed, when.year, when.number]).permutation(rides.num_rows)
    rides = rides.combine_chunks().take(pa.array(lot))
    result = Sliced(month, rides.num_rows, account, fresh=True)
    with place.writing(_sums_name(month)) as part:
        _sums(rides).to_parquet(part)
    told = json.dumps({"key": key, **asdict(result)}).encode()
    with place.writing(_name(month)) as part:  # last: when it is there, all is there
        pq.write_table(
            rides.replace_schema_metadata({_KEY: told}), part, compression="zstd", compression_level=1,
            row_group_size=SLICE,
        )  # fmt: skip
    return result


def sums(names: Sequence[str], place: storage.Place) -> Sums:
    """The counts of all these months, added up, in order."""
    total = Sums()
    for month in names:
        with place.opened(_sums_name(month)) as file:
            total.add(Sums.from_table(pd.read_parquet(file)))
    return total


def chunks(cut_months: Sequence[Sliced], size: int, seed: int = 0) -> list[list[tuple[str, int]]]:
    """All slices of these months, dealt by lot into chunks of about ``size`` rides: lists of (month, slice)."""
    every = [(one.month, number) for one in cut_months for number in range(-(-one.rides // SLICE))]
    lot = np.random.default_rng(seed).permutation(len(every))
    number = max(1, min(len(every), round(sum(one.rides for one in cut_months) / size)))
    return [sorted(every[i] for i in part) for part in np.array_split(lot, number)]


def read(chunk: Sequence[tuple[str, int]], place: storage.Place) -> tuple[pd.DataFrame, np.ndarray]:
    """A chunk's rides (BOOKING_COLUMNS and ``duration``, minutes) and the fold that each is in."""
    tables, folds = [], []
    for month in dict.fromkeys(month for month, _ in chunk):
        wanted = [number for name, number in chunk if name == month]
        with place.opened(_name(month)) as file, pq.ParquetFile(file) as stored:
            for number in wanted:
                tables.append(stored.read_row_group(number))
                folds.append(np.arange(tables[-1].num_rows) % FOLDS)
    return pa.concat_tables(tables).to_pandas(), np.concatenate(folds)


def cleaned_batches(month: str, source: str | None, rows: int | None) -> Iterator[pd.DataFrame]:
    """A month's cleaned rides with their ``duration``, some at a time, in the file's order."""
    for batch in _batches(month, source, rows):
        yield cleaning.clean(batch, month).trips


def _batches(month: str, source: str | None, rows: int | None) -> Iterator[pd.DataFrame]:
    """The month's trips through the contract, some at a time."""
    path = trips.fetch(month, source=source, rows=rows)
    what = f"The trips of {month}"
    there = monthfile.column_names(path)  # says in words what is wrong with the file
    with pq.ParquetFile(path) as file:
        wanted = [name for name in _READ if name in there]
        for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
            yield contract.check(batch.to_pandas(), _READ, what)


def _compact(rides: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rides[_SCHEMA.names], schema=_SCHEMA, preserve_index=False)


def _sums(rides: pa.Table) -> pd.DataFrame:
    fold = np.arange(rides.num_rows) % SLICE % FOLDS
    total = Sums()
    for start in range(0, rides.num_rows, _BATCH):
        part = rides.slice(start, _BATCH).to_pandas()
        total.count(part, part["duration"].to_numpy(np.float64), fold[start : start + _BATCH])
    return total.table()


def _name(month: str) -> str:
    return f"{month}.slices.parquet"


def _sums_name(month: str) -> str:
    return f"{month}.sums.parquet"


def _there(month: str, place: storage.Place, key: str) -> Sliced | None:
    """What was cut before from the same trips with the same code; None where there is no such whole file."""
    if place.held(_name(month)) is None or place.held(_sums_name(month)) is None:
        return None
    try:
        with place.opened(_name(month)) as file:
            told = json.loads((pq.read_schema(file).metadata or {}).get(_KEY, b"{}"))
    except (pa.ArrowException, ValueError):
        return None
    return Sliced(month, told["rides"], told["account"], fresh=False) if told.get("key") == key else None


def _key(month: str, source: str | None, rows: int | None, seed: int) -> str:
    from course_lib.taxi.pipeline_code import hash_of
    from course_lib.taxi.pipeline_source import fingerprint
    from course_lib.taxi.pipeline_types import Settings

    held = fingerprint(month, Settings(source=source, rows=rows))
    if held is None:  # not here yet: what comes is looked at when it is
        trips.fetch(month, source=source, rows=rows)
        held = fingerprint(month, Settings(source=source, rows=rows))
    told = json.dumps([month, held, rows, seed, hash_of("cut", "years.slices")])
    return hashlib.sha256(told.encode()).hexdigest()
