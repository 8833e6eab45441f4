"""What is wrong with real rows, how often, and what rides cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_lib.taxi import zones
from course_lib.taxi.simulator_facts import BOROUGHS, DISTANCE_EDGES, PLACES, STREAMS

#: Twenty-one probabilities, from the minimum to the maximum.
_STEPS = np.linspace(0, 1, 21)


def is_aborted(data: pd.DataFrame) -> pd.Series:
    """Rows in which nobody was driven: the meter was on for a moment, or a few minutes in one place."""
    nowhere = (data["PULocationID"] == data["DOLocationID"]) | (data["DOLocationID"] > PLACES)
    stood = nowhere & (data["trip_distance"] < 0.1) & (data["minutes"] < 10)
    return ~data["dispatch"] & ((data["minutes"] < 1) | stood)


def fit(data: pd.DataFrame) -> dict:
    """Shares of each kind of dirt by stream, and the tables that fares need."""
    return {
        "streams": {name: _dirt(data[data["stream"] == i]) for i, name in enumerate(STREAMS)},
        "aborted_seconds": _steps(data.loc[data["aborted"] & (data["minutes"] > 0), "minutes"] * 60),
        "left_running_short_of_a_day": _steps(1440 - data.loc[data["minutes"].between(1300, 1440), "minutes"], 1),
        "absurd_miles": _steps(data.loc[data["dispatch"] & (data["trip_distance"] > 1000), "trip_distance"]),
        "outside_miles": _steps(_outside(data)["trip_distance"], 1),
        "silent": [_silent(data[data["stream"] == i]) for i in range(len(STREAMS))],
        **_charges(data),
    }


def _dirt(rows: pd.DataFrame) -> dict[str, float]:
    n, hailed = len(rows), ~rows["dispatch"]
    ride = ~rows["aborted"]
    first = rows["VendorID"] == 1
    metered_zero = (rows["trip_distance"] == 0) & ride
    pickup, dropoff = rows["PULocationID"], rows["DOLocationID"]
    midnight = (rows["lpep_dropoff_datetime"] == rows["lpep_dropoff_datetime"].dt.floor("D")) & rows["minutes"].between(
        180, 1300
    )
    gone = rows[rows["aborted"]]
    shares = {
        "silent_vendor1": first[metered_zero].mean(),
        "speaking_vendor1": first[ride & ~metered_zero].mean(),
        "aborted": rows["aborted"].mean(),
        "aborted_instant": (gone["minutes"] == 0).mean(),
        "aborted_unknown": (gone["DOLocationID"] > PLACES).mean(),
        "aborted_zero": (gone["trip_distance"] == 0).mean(),
        "aborted_negotiated": (gone["RatecodeID"] == 5).mean(),
        "to_outside": ((dropoff == 265) & (pickup <= PLACES) & ride).sum() / n,
        "from_outside": ((pickup == 265) & (dropoff <= PLACES) & ride).sum() / n,
        "unknown": (((pickup == 264) | (dropoff == 264)) & ride).sum() / n,
        "left_running": (rows["minutes"] > 1300).sum() / n,
        "until_midnight": midnight.sum() / n,
        "three_hours": (rows["minutes"].between(180, 1300) & ~midnight).sum() / n,
        "absurd": (rows["trip_distance"] > 1000).sum() / n,
        "negotiated": ((rows["RatecodeID"] == 5) & ride & hailed).sum() / n,
        "refunded": (rows["fare_amount"] < 0).sum() / n,
        "moment": ((rows["minutes"] < 1) & rows["dispatch"]).sum() / n,
    }
    return {k: round(float(v), 5) if v == v else 0.0 for k, v in shares.items()}


def _silent(rows: pd.DataFrame) -> list[float]:
    """Share of rides without a metered distance, by how far they went: long ones are lost more often."""
    rides = rows[~rows["aborted"]]
    bins = np.digitize(rides["miles"].fillna(5.0), DISTANCE_EDGES)
    size = len(DISTANCE_EDGES) + 1
    silent = np.bincount(bins, rides["trip_distance"] == 0, size)
    return ((silent + 0.5) / (np.bincount(bins, minlength=size) + 20)).round(4).tolist()


def _outside(data: pd.DataFrame) -> pd.DataFrame:
    one = (data["DOLocationID"] == 265) != (data["PULocationID"] == 265)
    return data[one & data["trip_distance"].between(0.3, 60) & ~data["aborted"]]


def _charges(data: pd.DataFrame) -> dict:
    """Congestion surcharge by zone, tolls by flow between boroughs, and what fares depend on."""
    rides = data[~data["aborted"] & (data["PULocationID"] <= PLACES) & (data["DOLocationID"] <= PLACES)]
    hailed = rides[~rides["dispatch"]]
    charged = hailed["congestion_surcharge"] > 0
    # within the zone charged, everybody pays: the drop-off decides for rides that begin outside of it
    zone = charged.groupby(hailed["DOLocationID"]).agg(["sum", "size"]).reindex(range(1, PLACES + 1), fill_value=0)
    yellow = (zones.table()["service_zone"] == "Yellow Zone").loc[1:PLACES].astype(float)
    share = (zone["sum"] + 3 * yellow) / (zone["size"] + 3)
    borough = zones.table()["borough"].map({b: i for i, b in enumerate(BOROUGHS)})
    flows = (rides["PULocationID"].map(borough) * 6 + rides["DOLocationID"].map(borough)).astype(int)
    flow, tolled = flows[hailed.index], rides["tolls_amount"] > 0
    through = share.reindex(hailed["DOLocationID"]).to_numpy() < 0.3
    return {
        "congestion_zone": (share * 100).round().astype(int).tolist(),
        "congestion_flow": _by_flow(charged[through], flow[through]),
        "toll_flow": [_by_flow(tolled[rides["stream"] == i], flows[rides["stream"] == i]) for i in range(4)],
        "fare_2021": _fare(rides[rides["stream"] == 1]),
        "fare_2022": _fare(rides[rides["stream"] == 3]),
        "prices_2021": _prices(rides[rides["stream"] == 1]),
        "prices_2022": _prices(rides[rides["stream"] == 3]),
        "meter": _meter(hailed),
    }


def _by_flow(what: pd.Series, flow: pd.Series) -> list[int]:
    table = what.groupby(flow).agg(["sum", "size"]).reindex(range(36), fill_value=0)
    return (table["sum"] / (table["size"] + 5) * 100).round().astype(int).tolist()


def _linear(columns: list[pd.Series], fare: pd.Series) -> dict:
    design = np.column_stack([np.ones(len(fare)), *columns])
    weights, *_ = np.linalg.lstsq(design, fare.to_numpy(), rcond=None)
    return {"weights": weights.round(3).tolist(), "noise": _steps(fare - design @ weights, 2, clip=0.002)}


def _fare(rides: pd.DataFrame) -> dict:
    """A dispatched ride's fare is agreed on beforehand: from minutes and miles between zones, loosely."""
    ok = rides[rides["trip_distance"].between(0.1, 40) & rides["minutes"].between(1, 90) & (rides["fare_amount"] > 0)]
    return _linear([ok["trip_distance"], ok["minutes"], ok["miles"]], ok["fare_amount"])


def _prices(rides: pd.DataFrame, n: int = 40) -> list[list[float]]:
    """The commonest agreed fares, and how often each is paid among them (percent)."""
    common = rides["fare_amount"].value_counts().head(n).sort_index()
    return [common.index.tolist(), (common / common.sum() * 100).round(1).tolist()]


def _meter(rides: pd.DataFrame) -> dict:
    """A hailed ride's fare is the meter's: miles, and minutes below 12 miles an hour."""
    ok = rides[
        (rides["RatecodeID"] == 1)
        & rides["trip_distance"].between(0.1, 40)
        & rides["minutes"].between(1, 90)
        & (rides["fare_amount"] > 0)
    ]
    slow = (ok["minutes"] - ok["trip_distance"] * 5).clip(lower=0)
    return _linear([ok["trip_distance"], slow, ok["minutes"]], ok["fare_amount"])


def _steps(values: pd.Series, digits: int = 0, clip: float = 0.0) -> list[float]:
    return np.quantile(values, np.clip(_STEPS, clip, 1 - clip)).round(digits).tolist()
