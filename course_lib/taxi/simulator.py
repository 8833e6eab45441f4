"""Simulated months of green-taxi trips: any month, any size, offline, and the same bytes every time.

A month is drawn in four steps, each from random numbers of its own: clean rides of two kinds of customer
(:mod:`simulator_rides`, over the city of :mod:`simulator_world`), what goes wrong with them
(:mod:`simulator_dirt`), what they cost (:mod:`simulator_money`), and their order in the file. All shares and
effects are facts computed from real months (:mod:`simulator_fit`); no ride in a simulated month is real.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from course_lib.taxi import simulator_dirt, simulator_money, simulator_rides
from course_lib.taxi.simulator_charges import Money
from course_lib.taxi.simulator_dirt import Rows
from course_lib.taxi.simulator_facts import STREAMS, facts
from course_lib.taxi.simulator_months import FIRST, LAST, MonthFacts, check_known, default_rows, month_facts

__all__ = ["FIRST", "LAST", "VERSION", "check_known", "default_rows", "simulate"]

#: Raise it whenever the same month comes out differently: cached months of other versions are made anew.
VERSION = "7"


def simulate(month: str, rows: int | None = None) -> pa.Table:
    """One month of raw trips in the TLC's 20 columns and that year's types; ``rows`` of them.

    The same month and number of rows give the same table. Raises MonthNotFound for a month outside of
    FIRST…LAST. Needs about 1.2 KB of memory for each row.
    """
    month_is = month_facts(month)
    n = month_is.rows if rows is None else int(rows)
    dispatched = round(n * month_is.dispatch)
    refunds = round((n - dispatched) * _share(month_is, "refunded"))
    days = simulator_rides.calendar(month_is)
    parts: list[tuple[Rows, Money]] = []
    for dispatch, size in ((False, n - dispatched - refunds), (True, dispatched)):
        rides = simulator_rides.draw(month_is, days, dispatch, size, n)
        part = simulator_dirt.dirty(month_is, rides, n)
        if not dispatch:
            simulator_dirt.unset_clocks(month_is, part, n)
        parts.append((part, simulator_money.price(month_is, part, n)))
    order = month_is.generator("order", n)
    (hailed, paid), (booked, agreed) = parts
    twice = _taken_back(order, hailed, paid, refunds)
    columns = _joined(
        month_is,
        (_chosen(hailed, twice), simulator_money.refunded(twice, paid, order)),
        (hailed, paid),
        (booked, agreed),
    )
    return _table(month_is, columns, _file_order(order, columns, twice, n))


def _share(month: MonthFacts, name: str) -> float:
    return facts()["dirt"]["streams"][STREAMS[2 * month.late]][name]


def _taken_back(rng: np.random.Generator, rows: Rows, money: Money, n: int) -> np.ndarray:
    """Which rows were taken back: mostly those whose meter had hardly begun to run."""
    small = np.where(money.fare_amount <= 3, 40.0, np.where(money.fare_amount <= 5.5, 8.0, 0.6))
    weight = small * (money.fare_amount > 0)
    weight[rows.minutes > 60] = 0
    score = rng.random(len(rows)) ** (1 / np.maximum(weight, 1e-9))  # weighted sampling without replacement
    return np.sort(np.argsort(-score, kind="stable")[:n])


def _chosen(rows: Rows, which: np.ndarray) -> Rows:
    return Rows(**{name: values[which] for name, values in vars(rows).items()})


def _joined(month: MonthFacts, *parts: tuple[Rows, Money]) -> dict[str, np.ndarray]:
    """All columns of all parts one after the other; missing values as NaN."""
    every = {name: np.concatenate([getattr(r, name) for r, _ in parts]) for name in vars(parts[0][0])}
    money = {name: np.concatenate([getattr(m, name) for _, m in parts]) for name in vars(parts[0][1])}
    start = np.datetime64(month.month.start, "us")
    second = np.timedelta64(1_000_000, "us")
    return {
        **money,
        "dispatch": every["dispatch"],
        "VendorID": every["vendor"],
        "lpep_pickup_datetime": start + every["pickup_second"] * second,
        "lpep_dropoff_datetime": start + every["dropoff_second"] * second,
        "PULocationID": every["pickup"],
        "DOLocationID": every["dropoff"],
        "trip_distance": every["miles"],
        "pickup_second": every["pickup_second"],
    }


def _file_order(rng: np.random.Generator, columns: dict, twice: np.ndarray, n: int) -> np.ndarray:
    """Hailed rides hour by hour, then dispatched ones: the order in which the TLC gets them, not of the clock."""
    key = rng.random(n)
    key[: len(twice)] = key[len(twice) + twice] - 1e-9  # what is taken back comes right before its charge
    hour = columns["pickup_second"] // 3600
    late = (rng.random(n) < 0.03) & ~columns["dispatch"]
    hour = hour + np.where(late, rng.integers(1, 200, n), 0)
    hour[: len(twice)] = hour[len(twice) + twice]
    hour[hour < 0] = rng.integers(0, 300, int((hour < 0).sum()))
    return np.lexsort((key, hour, columns["dispatch"]))


def _table(month: MonthFacts, columns: dict, order: np.ndarray) -> pa.Table:
    missing = columns["dispatch"][order]
    arrays = []
    for field in _schema(month):
        if field.name == "ehail_fee":
            arrays.append(pa.nulls(len(order), field.type))
        elif field.name == "store_and_fwd_flag":
            flags = np.where(columns["stored"][order], "Y", "N").astype(object)
            arrays.append(pa.array(flags, field.type, mask=missing))
        else:
            values = columns[field.name][order]
            gaps = np.isnan(values) if values.dtype.kind == "f" else None
            if gaps is not None and pa.types.is_integer(field.type):
                values = np.where(gaps, 0, values).astype(np.int64)
            arrays.append(pa.array(values, mask=gaps).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=_schema(month))


def _schema(month: MonthFacts) -> pa.Schema:
    """The TLC's types: since 2023 narrower numbers, whole-number codes and another kind of text."""
    new = month.new_types
    zone, code, text = (pa.int32(), pa.int64(), pa.large_string()) if new else (pa.int64(), pa.float64(), pa.string())
    types = {
        "VendorID": zone,
        "lpep_pickup_datetime": pa.timestamp("us"),
        "lpep_dropoff_datetime": pa.timestamp("us"),
        "store_and_fwd_flag": text,
        "RatecodeID": code,
        "PULocationID": zone,
        "DOLocationID": zone,
        "passenger_count": code,
        **dict.fromkeys(
            ("trip_distance", "fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount"), pa.float64()
        ),
        "ehail_fee": pa.float64() if new else pa.null(),
        "improvement_surcharge": pa.float64(),
        "total_amount": pa.float64(),
        "payment_type": code,
        "trip_type": code,
        "congestion_surcharge": pa.float64(),
    }
    return pa.schema(list(types.items()), metadata={"simulator": VERSION})
