"""From rides to minutes: which model answers whom, and what the shadow would have said."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import isfinite
from typing import Any

from course_lib.taxi.service.contract import Day, Ride
from course_lib.taxi.service.live import State
from course_lib.taxi.service.served import Booking, Served

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
    champion, challenger = state.champion, state.challenger
    assert champion is not None
    bookings = [(ride.pickup, ride.dropoff, ride.local_time) for ride in rides]
    everybody = range(len(rides))
    tried = [
        i for i in everybody if challenger is not None and state.rollout.gives_challenger(rides[i].rider or request_id)
    ]
    given = {one.position: one for one in _try(challenger, bookings, tried)} if tried else {}
    given |= {one.position: one for one in _from(champion, bookings, [i for i in everybody if i not in given])}
    failed = sum(given[i].served is not challenger for i in tried)
    shadows: list[Given] = []
    if state.rollout.mode == "shadow" and challenger is not None:
        shadows = _try(challenger, bookings, everybody, shadow=True)
        failed += len(rides) - len(shadows)
    return [given[i] for i in everybody] + shadows, failed


def minutes_over_the_day(served: Served, asked: Day) -> list[float]:
    """Minutes of the same ride at the full hours 0 to 23 of a day."""
    midnight = datetime.combine(asked.date, time())
    hours = [midnight + timedelta(hours=hour) for hour in range(24)]
    return served.minutes([(asked.pickup, asked.dropoff, hour) for hour in hours])


def _from(served: Served, bookings: Sequence[Booking], chosen: Sequence[int], shadow: bool = False) -> list[Given]:
    if not chosen:
        return []
    minutes = served.minutes([bookings[i] for i in chosen])
    return [Given(i, value, served, shadow) for i, value in zip(chosen, minutes, strict=True)]


def _try(
    served: Served | None, bookings: Sequence[Booking], chosen: Sequence[int], shadow: bool = False
) -> list[Given]:
    assert served is not None
    try:
        answers = _from(served, bookings, chosen, shadow)
        if not all(isfinite(one.minutes) for one in answers):
            raise ValueError("it answered something that is no number of minutes")
    except Exception:  # the challenger is on trial, the riders are not
        _log.exception("the challenger, version %d, failed on %d rides", served.version, len(chosen))
        return []
    return answers
