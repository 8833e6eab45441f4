"""What a model card must not keep to itself, computed: where it errs, whom it hardly knows, what it never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course_lib.taxi import zones
from course_lib.taxi.feature_base import BOOKING_COLUMNS, zone_numbers
from course_lib.taxi.governance.card_rides import Rides
from course_lib.taxi.governance.fairness import slice_name

#: A zone with fewer training rides than this is one that the model hardly knows.
FEW_RIDES = 30
_MOST = 5
_ENDS = (("pickup", BOOKING_COLUMNS[0]), ("drop-off", BOOKING_COLUMNS[1]))


def of_slices(tables: dict[str, pd.DataFrame], overall: pd.Series) -> list[dict[str, Any]]:
    """Slices whose whole interval lies above that of all rides, and those too small to tell."""
    worse, small = [], []
    for by, table in tables.items():
        for name, row in table.iterrows():
            label = slice_name(by, name)
            if not row["enough"]:
                small.append({"slice": label, "rides": int(row["n"])})
            elif row["rmse_low"] > overall["rmse_high"]:
                worse.append({"slice": label, "rides": int(row["n"]), "rmse": float(row["rmse"])})
    found = []
    if worse:
        worse.sort(key=lambda one: -one["rmse"])
        told = ", ".join(f"{one['slice']} {one['rmse']:.1f} min" for one in worse[:_MOST])
        more = f" and {len(worse) - _MOST} more" if len(worse) > _MOST else ""
        text = f"RMSE above the {overall['rmse']:.1f} min of all rides, by more than the intervals: {told}{more}."
        found.append({"what": "Errs more for some", "text": text, "slices": worse})
    if small:
        told = ", ".join(f"{one['slice']} ({one['rides']})" for one in small)
        text = f"Too few rides to know its error: {told}."
        found.append({"what": "Unknown for some", "text": text, "slices": small})
    return found


def of_bias(overall: pd.Series) -> list[dict[str, Any]]:
    """A promise that is too short or too long on average, when the interval says that it is one."""
    low, high = overall["bias_low"], overall["bias_high"]
    if not (low > 0 or high < 0):
        return []
    word = "long" if overall["bias"] > 0 else "short"
    text = f"Rides are promised {abs(overall['bias']):.1f} min too {word} on average ({low:+.1f} to {high:+.1f})."
    return [{"what": f"Promises too {word}", "text": text, "bias": float(overall["bias"])}]


def of_zones(learned: Rides, scored: Rides | None) -> list[dict[str, Any]]:
    """Zones with fewer than FEW_RIDES rides to learn from, and how many of the scored rides have such an end."""
    places = zones.table().index.difference(zones.UNKNOWN_ZONES)
    rare: dict[str, list[int]] = {}
    for end, column in _ENDS:
        counts = pd.Series(zone_numbers(learned.trips[column])).value_counts().reindex(places, fill_value=0)
        rare[end] = [int(zone) for zone in counts.index[counts < FEW_RIDES]]
    told = " and ".join(f"{len(rare[end])} of {len(places)} zones as {end}" for end, _ in _ENDS)
    text = f"Fewer than {FEW_RIDES} rides to learn from: {told}."
    limit: dict[str, Any] = {"what": "Zones it hardly knows", "few_rides": FEW_RIDES, "zones": rare}
    if scored is not None:
        ends = [np.isin(zone_numbers(scored.trips[column]), rare[end]) for end, column in _ENDS]
        touched = ends[0] | ends[1]
        limit["scored_rides"] = int(touched.sum())
        share = f"{limit['scored_rides']:,} of the {len(touched):,} scored rides ({touched.mean():.1%})"
        text += f" {share} begin or end there."
    return [{**limit, "text": text}]


def of_labels(learned: Rides) -> list[dict[str, Any]]:
    """What the durations are, and which rows were left out because of theirs."""
    text = (
        "A ride's duration is the time between the meter's start and end; waiting and looking for a taxi is not in it."
    )
    dropped = {reason: rows for reason, rows in learned.account.items() if reason != "kept" and rows}
    total = sum(learned.account.values())
    if total:
        told = ", ".join(f"{reason} {rows:,}" for reason, rows in dropped.items()) or "none"
        text += f" Of {total:,} rows of {learned.months} were left out: {told}."
    return [{"what": "Labels", "text": text, "rows": learned.account}]


def of_time(learned: Rides) -> list[dict[str, Any]]:
    """The season that it knows."""
    times = learned.trips[BOOKING_COLUMNS[2]].dropna()
    days = int(times.dt.normalize().nunique())
    text = (
        f"It knows {days} days, from {times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}: no other season, no later city."
    )
    return [{"what": "One stretch of time", "text": text, "days": days}]
