"""What hailed and dispatched rides have in common when they are paid: the columns, boroughs and tolls."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from course_lib.taxi import zones
from course_lib.taxi.simulator_dirt import Rows
from course_lib.taxi.simulator_facts import BOROUGHS, PLACES, facts
from course_lib.taxi.simulator_months import MonthFacts


@dataclass
class Money:
    """The columns of amounts (dollars) and of the codes that go with them; NaN where dispatchers send none."""

    RatecodeID: np.ndarray
    passenger_count: np.ndarray
    fare_amount: np.ndarray
    extra: np.ndarray
    mta_tax: np.ndarray
    tip_amount: np.ndarray
    tolls_amount: np.ndarray
    improvement_surcharge: np.ndarray
    total_amount: np.ndarray
    payment_type: np.ndarray
    trip_type: np.ndarray
    congestion_surcharge: np.ndarray
    stored: np.ndarray

    def take(self, rows: np.ndarray) -> Money:
        """The same columns for some rows, copied."""
        return Money(*(getattr(self, f.name)[rows] for f in fields(self)))


def cents(amount: np.ndarray) -> np.ndarray:
    """Dollars rounded to cents, halves up."""
    return np.floor(np.asarray(amount, float) * 100 + 0.5) / 100


def flow_of(rows: Rows) -> np.ndarray:
    """Number of the flow between boroughs; rides with an unknown end count as Queens, the largest."""
    order = zones.table()["borough"].map({b: i for i, b in enumerate(BOROUGHS)}).fillna(4).to_numpy(int)
    return order[rows.pickup - 1] * len(BOROUGHS) + order[rows.dropoff - 1]


def tolls_of(rng: np.random.Generator, month: MonthFacts, rows: Rows) -> np.ndarray:
    """Bridge and tunnel tolls, by the flow between boroughs."""
    stream = int(rows.dispatch[0]) + 2 * month.late
    share = np.array(facts()["dirt"]["toll_flow"][stream])[flow_of(rows)] / 100
    bridge = 6.12 if str(month.month) < "2021-04" else 6.55 if str(month.month) < "2023-08" else 6.94
    u = rng.random(len(rows))
    amount = np.where(u < 0.9, bridge, np.where(u < 0.95, 2 * bridge, cents(bridge * 0.45)))
    return np.where((rng.random(len(rows)) < share) & (rows.pickup <= PLACES), amount, 0.0)
