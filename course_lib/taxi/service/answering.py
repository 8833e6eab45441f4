"""From rides to minutes: which model answers whom, and what the shadow would have said."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.service.contract import Day, Ride, as_trips
from course_lib.taxi.service.live import Served, State

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Given:
    """One model's answer to the ride at ``position``; ``shadow``: made beside the answer, not shown."""

    position: int
    minutes: float
    served: Served
    shadow: bool = False

    def row(self, ride: Ride, prediction_id: str, request_id: str, made_at: str) -> dict[str, Any]:
        """As the prediction store keeps it."""
        return {
            "prediction_id": prediction_id,
            "request_id": request_id,
            "made_at": made_at,
            "rider": ride.rider,
            "pickup": ride.pickup,
            "dropoff": ride.dropoff,
            "pickup_time": ride.local_time.isoformat(),
            "minutes": self.minutes,
            "model_name": self.served.name,
            "model_version": self.served.version,
            "role": self.served.role,
            "shadow": self.shadow,
        }


def answer_rides(state: State, rides: list[Ride], request_id: str) -> tuple[list[Given], int]:
    """Each ride's answer, in order, then the shadow's; and how many rides the challenger failed to answer.

    ``state`` must have a champion. In a canary a rider's place decides (without a rider's id, the request's). A
    challenger that fails never costs a rider the answer: the champion gives it.
    """
    assert state.champion is not None
    trips = as_trips(rides)
    to_challenger = np.array(
        [state.challenger is not None and state.rollout.gives_challenger(r.rider or request_id) for r in rides]
    )
    given: dict[int, Given] = {}
    if to_challenger.any():
        given |= {one.position: one for one in _try(state.challenger, trips, np.flatnonzero(to_challenger))}
    rest = np.array([i for i in range(len(rides)) if i not in given], dtype=np.int64)
    given |= {one.position: one for one in _from(state.champion, trips, rest)}
    failed = int(to_challenger.sum()) - sum(one.served is state.challenger for one in given.values())
    shadows: list[Given] = []
    if state.rollout.mode == "shadow" and state.challenger is not None:
        shadows = _try(state.challenger, trips, np.arange(len(rides)), shadow=True)
        failed += len(rides) - len(shadows)
    return [given[i] for i in range(len(rides))] + shadows, failed


def minutes_over_the_day(served: Served, asked: Day) -> list[float]:
    """Minutes of the same ride at the full hours 0 to 23 of a day."""
    midnight = datetime.combine(asked.date, time())
    times = pd.to_datetime([midnight + timedelta(hours=hour) for hour in range(24)]).astype("datetime64[us]")
    columns = [[asked.pickup] * 24, [asked.dropoff] * 24, times]
    return served.minutes(pd.DataFrame(dict(zip(BOOKING_COLUMNS, columns, strict=True)))).tolist()


def _from(served: Served, trips: pd.DataFrame, rows: np.ndarray, shadow: bool = False) -> list[Given]:
    if not len(rows):
        return []
    minutes = served.minutes(trips.iloc[rows])
    return [Given(int(row), float(m), served, shadow) for row, m in zip(rows, minutes, strict=True)]


def _try(served: Served | None, trips: pd.DataFrame, rows: np.ndarray, shadow: bool = False) -> list[Given]:
    assert served is not None
    try:
        answers = _from(served, trips, rows, shadow)
        if not np.isfinite([one.minutes for one in answers]).all():
            raise ValueError("it answered something that is no number of minutes")
    except Exception:  # the challenger is on trial, the riders are not
        _log.exception("the challenger, version %d, failed on %d rides", served.version, len(rows))
        return []
    return answers
