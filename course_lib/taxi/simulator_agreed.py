"""What dispatched rides cost: fares agreed on beforehand, in columns that dispatchers fill their own way."""

from __future__ import annotations

import numpy as np

from course_lib.taxi import zones
from course_lib.taxi.simulator_charges import Money, cents, tolls_of
from course_lib.taxi.simulator_dirt import Rows
from course_lib.taxi.simulator_facts import facts
from course_lib.taxi.simulator_months import MonthFacts


def agreed(rng: np.random.Generator, month: MonthFacts, rows: Rows) -> Money:
    """Dispatched rides: a price agreed on before, and the dispatcher's own idea of what goes in which column."""
    n = len(rows)
    table = facts()["dirt"]["fare_2022" if month.late else "fare_2021"]
    a, per_mile, per_minute, per_geometry = table["weights"]
    miles = np.where((rows.miles > 0) & (rows.miles < 60), rows.miles, np.minimum(rows.minutes / 4, 20))
    geometry = np.nan_to_num(zones.distance_miles(rows.pickup, rows.dropoff), nan=8.0)
    noise = np.interp(rng.random(n), np.linspace(0, 1, 21), table["noise"])
    fare = a + per_mile * miles + per_minute * np.minimum(rows.minutes, 120) + per_geometry * geometry + noise
    fare = cents(np.maximum(fare * (1.2 if month.new_tariff else 1.0), 5.0))
    fare = _listed(rng, fare, month)
    fare = np.where(rng.random(n) < 0.0002, -fare, fare)
    extra, tip = _dispatch_columns(rng, month, n, fare)
    metered = rng.random(n) < (0.02 if month.late else 0.006)
    tolls = tolls_of(rng, month, rows)
    improvement = np.full(n, 1.0 if month.new_tariff else 0.3)
    unlisted = np.where(rng.random(n) < 0.026, 2.75, 0.0)
    missing = np.full(n, np.nan)
    return Money(
        RatecodeID=missing,
        passenger_count=missing,
        fare_amount=fare,
        extra=extra,
        mta_tax=np.where(metered, 0.5, 0.0),
        tip_amount=tip,
        tolls_amount=tolls,
        improvement_surcharge=improvement,
        total_amount=cents(fare + extra + np.where(metered, 0.5, 0.0) + tip + tolls + improvement + unlisted),
        payment_type=missing,
        trip_type=missing,
        congestion_surcharge=missing,
        stored=np.zeros(n, bool),
    )


def _listed(rng: np.random.Generator, fare: np.ndarray, month: MonthFacts) -> np.ndarray:
    """One fare in three comes off a price list: the nearest thing that the firm drives for."""
    prices, shares = (np.array(v) for v in facts()["dirt"]["prices_2022" if month.late else "prices_2021"])
    offered = prices[np.searchsorted(np.cumsum(shares), rng.random(len(fare)) * shares.sum()).clip(0, len(prices) - 1)]
    return np.where(np.abs(offered / fare - 1) < 0.25, offered, fare)


def _dispatch_columns(
    rng: np.random.Generator, month: MonthFacts, n: int, fare: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Extra and tip: until 2021 a fee of 2.75 sits in one of them, since 2022 tips are tips."""
    u = rng.random(n)
    if month.late:
        tip = np.where(u < 0.28, 0.0, cents(np.abs(fare) * 0.38 * rng.random(n)))
        return np.zeros(n), np.where((u > 0.28) & (u < 0.42), np.floor(1 + 3 * rng.random(n)), tip)
    fee = np.array([2.75, 0.0, 5.5, 1.35, 4.09])[np.digitize(u, [0.83, 0.93, 0.976, 0.998])]
    if str(month.month) > "2021-01":
        return fee, np.where(rng.random(n) < 0.03, np.floor(1 + 9 * rng.random(n)), 0.0)
    as_tip = rng.random(n) < 0.57
    return np.where(as_tip, 0.0, fee), np.where(as_tip & (u < 0.95), 2.75, 0.0)
