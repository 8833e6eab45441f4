"""Computes the simulator's calibration from real months: facts about rides, no rides.

    python -m course_lib.taxi.simulator_fit A/FOLDER/OF/TLC/FILES

rewrites ``data/calibration.json``. The simulator itself never needs real months.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from course_lib.taxi import simulator_fit_dirt, simulator_fit_pairs, simulator_fit_rides, sources, trips, zones
from course_lib.taxi.simulator_facts import PATH, STREAMS


def frame(folder: str | Path) -> pd.DataFrame:
    """The trips of all months in ``folder`` with what the fits need: stream, minutes, distances, clock."""
    names = sources.choose(str(folder)).available()
    data = pd.concat([trips.load(m, source=folder).assign(month=m) for m in names], ignore_index=True)
    data["minutes"] = (data["lpep_dropoff_datetime"] - data["lpep_pickup_datetime"]).dt.total_seconds() / 60
    data["dispatch"] = data["passenger_count"].isna()
    data["late"] = data["month"] >= "2022"
    data["stream"] = data["dispatch"].astype(int) + 2 * data["late"]
    data["miles"] = zones.distance_miles(data["PULocationID"], data["DOLocationID"])
    data["hour"] = data["lpep_pickup_datetime"].dt.hour
    data["weekday"] = data["lpep_pickup_datetime"].dt.dayofweek
    data["day"] = data["lpep_pickup_datetime"].dt.floor("D")
    data["aborted"] = simulator_fit_dirt.is_aborted(data)
    return data


def fit(folder: str | Path) -> dict:
    """All facts that ``data/calibration.json`` holds, computed from the months in ``folder``."""
    data = frame(folder)
    pairs = simulator_fit_pairs.fit(data)
    rides = simulator_fit_rides.fit(data)
    months = {
        month: {
            "rows": len(rows),
            "dispatch": round(float(rows["dispatch"].mean()), 4),
            "pace": rides["pace"]["month"][month],
            "pace_far": rides["pace"]["month_far"][month],
            "noise": rides["pace"]["month_noise"][month],
            "silent": round(float((rows["trip_distance"] == 0)[~rows["dispatch"] & ~rows["aborted"]].mean()), 4),
            "absurd": round(float((rows["trip_distance"] > 1000).sum() / rows["dispatch"].sum()), 5),
        }
        for month, rows in data.groupby("month")
    }
    for name in ("month", "month_far", "month_noise"):
        rides["pace"].pop(name)
    listed = rides.pop("pairs")
    return {
        "months": months,
        "streams": dict(zip(STREAMS, pairs["streams"], strict=True)),
        "rides": rides,
        "dirt": simulator_fit_dirt.fit(data),
        "pairs": simulator_fit_pairs.merged(pairs["pairs"], listed),
    }


def dumps(facts: dict) -> str:
    """JSON with one line for each array: small, and readable in a diff."""

    def lines(value: object, depth: int) -> str:
        pad = " " * depth
        if isinstance(value, dict):
            inner = ",\n".join(f"{pad} {json.dumps(k)}: {lines(v, depth + 1)}" for k, v in value.items())
            return "{\n" + inner + "\n" + pad + "}"
        if isinstance(value, list) and value and isinstance(value[0], list):
            return "[\n" + ",\n".join(f"{pad} {lines(v, depth + 1)}" for v in value) + "\n" + pad + "]"
        return json.dumps(value, separators=(",", ":"))

    return lines(facts, 0) + "\n"


def main(folder: str) -> None:
    """Fit and write the calibration file."""
    text = dumps(fit(folder))
    PATH.write_text(text, encoding="utf-8", newline="\n")
    print(f"{PATH}: {len(text):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
