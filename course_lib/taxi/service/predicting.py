"""From checked rides to the bytes of an answer: every prediction is on disk before anybody is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from course_lib.taxi.service import problems
from course_lib.taxi.service.answering import Given, answer_rides
from course_lib.taxi.service.contract import Ride
from course_lib.taxi.service.ids import new_id
from course_lib.taxi.service.live import LiveModels, State
from course_lib.taxi.service.metrics import Metrics
from course_lib.taxi.service.served import Served
from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.wording import about


@dataclass(frozen=True)
class Parts:
    """What one service works with."""

    models: LiveModels
    spool: Spool
    metrics: Metrics = field(default_factory=Metrics)


def predict(parts: Parts, rides: list[Ride], as_list: bool, request_id: str) -> bytes:
    """The JSON that answers ``rides``; their predictions are kept and counted. Raises problems.Refused: no model."""
    state = parts.models.state
    if state.champion is None:
        raise no_model(state)
    given, failed = answer_rides(state, rides, request_id)
    if failed:
        parts.metrics.challenger_failures.inc(failed)
    _keep(parts, given, rides, request_id)
    answers = [_answer(one) for one in given if not one.shadow]
    return to_json(({"predictions": answers} if as_list else answers[0]) | {"request_id": request_id})


def no_model(state: State) -> problems.Refused:
    """Why nothing can be answered."""
    return problems.refuse(503, "No model", "no_model", "; ".join(state.problems) or "no model is loaded yet")


def which(served: Served) -> dict[str, Any]:
    """Which model answered, as callers are told."""
    return {"name": served.name, "version": served.version, "role": served.role}


def _keep(parts: Parts, given: list[Given], rides: list[Ride], request_id: str) -> None:
    """To disk before the answer goes out, and into the numbers."""
    made_at = datetime.now(UTC).replace(tzinfo=None).isoformat()
    batch = new_id()
    parts.spool.add([one.row(rides[one.position], f"{batch}-{n}", request_id, made_at) for n, one in enumerate(given)])
    for one in given:
        parts.metrics.predicted(one.served.version, "shadow" if one.shadow else one.served.role, one.minutes)


def _answer(one: Given) -> dict[str, Any]:
    return {"minutes": round(one.minutes, 2), "text": about(one.minutes), "model": which(one.served)}
