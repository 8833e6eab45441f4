"""Simulated months of green-taxi trips (first version; calibration to come)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from course_lib.taxi import months, zones

VERSION = "0"
FIRST, LAST = "2018-01", "2026-12"


def check_known(month: months.Month) -> None:
    """Raise MonthNotFound for a month outside the simulator's years."""
    if not FIRST <= str(month) <= LAST:
        raise months.MonthNotFound(f"{month} can't be simulated: simulated months run from {FIRST} to {LAST}.")


def default_rows(month: str) -> int:
    """Rows of a month when nobody asks for another number."""
    return 76518 if month < "2022" else 62495


def simulate(month: str, rows: int | None = None) -> pa.Table:
    """A month of raw trips in the TLC's columns and types."""
    wanted = months.parse(month)
    check_known(wanted)
    n = rows or default_rows(month)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([wanted.year, wanted.number, n])))
    pu = rng.choice([74, 75, 41, 42, 244, 95, 97, 166, 65, 43, 61, 7], n)
    ids = np.arange(1, 264)
    d = zones.distance_miles(np.repeat(pu, 1), pu)
    weight = np.stack([np.exp(-zones.distance_miles(np.full(263, p), ids) / 2.5) for p in range(1, 264)])
    cdf = np.cumsum(weight, 1) / weight.sum(1, keepdims=True)
    do = (rng.random(n)[:, None] > cdf[pu - 1]).sum(1) + 1
    d = zones.distance_miles(pu, do)
    effect = np.random.Generator(np.random.PCG64(1)).lognormal(0.25, 0.15, (264, 264))
    dist = (d * effect[pu, do] + rng.exponential(0.4, n) + 0.4).round(2)
    pickup = wanted.start + pd.to_timedelta(
        np.sort(rng.integers(0, int((wanted.end - wanted.start).total_seconds()), n)), unit="s"
    )
    hour = pickup.hour.to_numpy()
    speed = 12 - 2 * np.sin((hour - 8) / 24 * 2 * np.pi)
    minutes = dist / speed * 60 * rng.lognormal(0, 0.3, n) + 2
    minutes = np.where(rng.random(n) < 0.002, 1410 + rng.random(n) * 29, minutes)
    drop = pickup + pd.to_timedelta((minutes * 60).astype(int), unit="s")
    dispatch = rng.random(n) < (0.47 if month < "2022" else 0.1)
    fare = (2.5 + 2.5 * dist).round(2)
    num = lambda v: np.where(dispatch, np.nan, v)
    frame = pd.DataFrame(
        {
            "VendorID": 2,
            "lpep_pickup_datetime": pickup.as_unit("us"),
            "lpep_dropoff_datetime": drop.as_unit("us"),
            "store_and_fwd_flag": pd.Series(np.where(dispatch, None, "N"), dtype="str"),
            "RatecodeID": num(1.0),
            "PULocationID": pu.astype("int64"),
            "DOLocationID": do.astype("int64"),
            "passenger_count": num(1.0),
            "trip_distance": dist,
            "fare_amount": fare,
            "extra": 0.0,
            "mta_tax": 0.5,
            "tip_amount": 0.0,
            "tolls_amount": 0.0,
            "ehail_fee": None,
            "improvement_surcharge": 0.3,
            "total_amount": fare + 0.8,
            "payment_type": num(1.0),
            "trip_type": num(1.0),
            "congestion_surcharge": num(0.0),
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata({"simulator": VERSION})
