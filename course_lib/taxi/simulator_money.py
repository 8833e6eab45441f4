"""What hailed rides cost: the meter's tariff, surcharges, tolls, tips, and charges that are taken back."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from course_lib.taxi.simulator_agreed import agreed
from course_lib.taxi.simulator_charges import Money, cents, flow_of, tolls_of
from course_lib.taxi.simulator_dirt import Rows
from course_lib.taxi.simulator_facts import BOROUGHS, facts
from course_lib.taxi.simulator_months import MonthFacts, holidays

_JFK, _NEWARK = 132, 1


def price(month: MonthFacts, rows: Rows, n: int) -> Money:
    """Charges for rows that are all hailed or all dispatched."""
    if not len(rows):
        return Money(*(np.empty(0) for _ in fields(Money)))
    kind = "dispatch" if rows.dispatch[0] else "hail"
    rng = month.generator(f"pay{kind}", n)
    return agreed(rng, month, rows) if rows.dispatch[0] else _metered(rng, month, rows)


def refunded(rows: np.ndarray, money: Money, rng: np.random.Generator) -> Money:
    """The rows that take back a charge: the same ride with every amount negative, not paid or in dispute."""
    back = money.take(rows)
    amounts = ("fare_amount", "extra", "mta_tax", "improvement_surcharge", "total_amount", "congestion_surcharge")
    for name in amounts:
        setattr(back, name, -getattr(back, name) + 0.0)
    back.total_amount += back.tip_amount
    back.tip_amount = np.zeros(len(rows))
    back.payment_type = np.where(rng.random(len(rows)) < 0.79, 3.0, 4.0)
    return back


def _metered(rng: np.random.Generator, month: MonthFacts, rows: Rows) -> Money:
    n = len(rows)
    rate = _rate_codes(rng, month, rows)
    fare = _fares(rng, month, rows, rate)
    standard = rate == 1
    extra = np.where(standard, _time_of_day(month, rows), 0.0)
    first = rows.vendor == 1
    congestion = np.where(_congested(rng, rows) & (rows.minutes >= 1), 2.75, 0.0)
    congestion[rows.aborted] = 0.0
    negotiated = rate == 5
    taxed = ~negotiated | (rng.random(n) < 0.05)
    improvement = 1.0 if month.new_tariff else 0.3
    tolls = tolls_of(rng, month, rows)
    tolls[rows.aborted] = 0.0
    payment = _payment(rng, rows)
    base = fare + extra + np.where(taxed, 0.5, 0.0) + tolls + improvement + congestion
    tip = _tips(rng, base, payment == 1, first, rows.aborted)
    return Money(
        RatecodeID=rate.astype(float),
        passenger_count=_passengers(rng, first),
        fare_amount=fare,
        # vendor 1 reports the congestion surcharge inside of extra, and in its own column again
        extra=cents(extra + np.where(first, congestion, 0.0)),
        mta_tax=np.where(taxed, 0.5, 0.0),
        tip_amount=tip,
        tolls_amount=tolls,
        improvement_surcharge=np.full(n, improvement),
        total_amount=cents(base + tip),
        payment_type=payment.astype(float),
        trip_type=np.where(negotiated & (rng.random(n) < 0.84), 2.0, 1.0),
        congestion_surcharge=congestion,
        stored=first & (rng.random(n) < 0.044),
    )


def _rate_codes(rng: np.random.Generator, month: MonthFacts, rows: Rows) -> np.ndarray:
    """1 metered, 2 JFK, 3 Newark, 4 Nassau or Westchester, 5 negotiated."""
    dirt = facts()["dirt"]["streams"]["hail 2022" if month.late else "hail 2021"]
    u, v = rng.random(len(rows)), rng.random(len(rows))
    rate = np.where(u < np.where(rows.aborted, dirt["aborted_negotiated"], dirt["negotiated"] * 1.05), 5, 1)
    manhattan = flow_of(rows) // len(BOROUGHS) == BOROUGHS.index("Manhattan")
    rate[(rows.dropoff == _JFK) & manhattan & (v < 0.85)] = 2
    rate[(rows.dropoff == _NEWARK) & (v < 0.7)] = 3
    rate[(rows.dropoff == 265) & (v < 0.12)] = 4
    rate[rows.aborted & (v < 0.02)] = 2
    return rate


def _fares(rng: np.random.Generator, month: MonthFacts, rows: Rows, rate: np.ndarray) -> np.ndarray:
    n = len(rows)
    meter = facts()["dirt"]["meter"]
    a, per_mile, per_slow, per_minute = meter["weights"]
    minutes = np.minimum(rows.minutes, 180)
    slow = np.maximum(minutes - rows.miles * 5, 0)
    noise = np.interp(rng.random(n), np.linspace(0, 1, 21), meter["noise"])
    ticks = np.maximum(
        np.floor((a + per_mile * rows.miles + per_slow * slow + per_minute * minutes + noise - 2.5) * 2), 0
    )
    # a meter that ran for a day was charged for the ride it was started for
    forgotten = rows.minutes > 180
    ticks[forgotten] = np.floor(rows.miles[forgotten] * 5.2)
    fare = np.where(month.new_tariff, 3.0 + 0.7 * ticks, 2.5 + 0.5 * ticks)
    # metered rides of which the meter lost the miles were priced by the true ones: take the minutes for them
    lost = (rows.miles == 0) & ~rows.aborted
    fare[lost] = 2.5 + np.floor(rows.minutes[lost].clip(0, 120) * 1.6) * 0.5
    haggled = np.floor(6 + 2.1 * np.minimum(rows.miles, 40) + 9 * rng.random(n) ** 2 + 3 * rng.standard_normal(n) + 0.5)
    off_meter = np.floor(5 + 8 / np.maximum(1 - rng.random(n), 0.02) ** 0.6)
    round_fives = np.where(rng.random(n) < 0.3, 5.0, 1.0)
    haggled = np.maximum(np.floor(np.where(rows.aborted, off_meter, haggled) / round_fives + 0.5) * round_fives, 3.0)
    fare = np.where(rate == 5, haggled, fare)
    fare = np.where(rate == 2, 70.0 if month.new_tariff else 52.0, fare)
    fare = np.where((rate == 3) & ~rows.aborted, fare + 20.0, fare)
    free = rng.random(n) < np.where(rows.aborted, 0.033, 0.001 if month.late else 0.0035)
    return cents(np.where(free, 0.0, fare))


def _time_of_day(month: MonthFacts, rows: Rows) -> np.ndarray:
    """Overnight and rush-hour surcharges."""
    hour = rows.pickup_second // 3600 % 24
    day = rows.pickup_second // 86400
    weekday = (month.month.start.dayofweek + day) % 7
    closed = np.isin(day, [(d - month.month.start).days for d in holidays(month.month)])
    night, rush = (1.0, 2.5) if month.new_tariff else (0.5, 1.0)
    rushing = (hour >= 16) & (hour < 20) & (weekday < 5) & ~closed
    return np.where((hour >= 20) | (hour < 6), night, np.where(rushing, rush, 0.0))


def _congested(rng: np.random.Generator, rows: Rows) -> np.ndarray:
    """Rides that touch Manhattan south of 96th Street."""
    dirt = facts()["dirt"]
    zone = np.array([*dirt["congestion_zone"], 0, 0]) / 100
    inside = np.maximum(zone[rows.pickup - 1], zone[rows.dropoff - 1])
    through = np.array(dirt["congestion_flow"])[flow_of(rows)] / 100
    return rng.random(len(rows)) < np.maximum(inside, np.where(inside < 0.3, through, 0.0))


def _payment(rng: np.random.Generator, rows: Rows) -> np.ndarray:
    """1 card, 2 cash, 3 no charge, 4 dispute."""
    u = rng.random(len(rows))
    usual = np.array([1, 2, 3, 4, 5])[np.digitize(u, [0.602, 0.996, 0.9988, 0.9999])]
    return np.where(rows.aborted, np.array([1, 2, 3, 4])[np.digitize(u, [0.48, 0.905, 0.985])], usual)


def _tips(
    rng: np.random.Generator, base: np.ndarray, card: np.ndarray, first: np.ndarray, aborted: np.ndarray
) -> np.ndarray:
    """Tips are known for cards only: one button in three, whole dollars, or nothing."""
    n = len(base)
    u, v = rng.random(n), rng.random(n)
    share = np.array([0.2, 0.25, 0.3, 0.15])[np.digitize(v, [0.66, 0.83, 0.95])]
    button = cents(np.where(first, np.floor(base * share * 20) / 20, base * share))
    dollars = np.floor(1 + 5.5 * v**2 + 0.1 * base * v)
    odd = cents(base * 0.35 * v)
    tip = np.where(u < 0.19, 0.0, np.where(u < 0.73, button, np.where(u < 0.93, dollars, odd)))
    return np.where(card & ~(aborted & (u < 0.7)), tip, 0.0)


def _passengers(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    counts = np.array([1, 2, 5, 6, 3, 4, 8])[
        np.digitize(rng.random(len(first)), [0.884, 0.954, 0.971, 0.987, 0.996, 0.9999])
    ]
    return np.where(first & (rng.random(len(first)) < 0.018), 0, counts).astype(float)
