"""What the gate decided, in words, in numbers, and as tags of the version that it decided about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from course_lib.taxi.tracking_errors import translated


@dataclass(frozen=True)
class Decision:
    """What the gate decided and why.

    ``reasons`` are all reasons for refusing, empty when ``promoted``. ``champion`` (None: there was none) and
    ``challenger`` are versions, ``scores`` their metrics on the same rides. ``gain`` is by how much the challenger's
    ``metric`` is better (below 0: worse), ``latency_ms`` its median time for one ride, ``data`` the rides' hash, and
    ``rides`` their number. A figure that could not be had is None. A decision is true when it promoted.
    """

    promoted: bool
    name: str
    champion: int | None
    challenger: int
    metric: str
    margin: float
    budget_ms: float
    reasons: tuple[str, ...] = ()
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    gain: float | None = None
    latency_ms: float | None = None
    data: str | None = None
    rides: int | None = None
    dry_run: bool = False

    def __bool__(self) -> bool:
        return self.promoted

    def __str__(self) -> str:
        subject = f"Version {self.challenger} of '{self.name}'"
        if not self.promoted:
            against = f" against champion version {self.champion}" if self.champion is not None else ""
            return "\n".join([f"{subject} was refused{against}:", *(f"  - {reason}" for reason in self.reasons)])
        verb = "would become" if self.dry_run else "is now"
        instead = f" in place of version {self.champion}" if self.champion is not None else ""
        figures = [] if self.gain is None else [f"{self.metric} better by {self.gain:.3f}"]
        figures += [] if self.latency_ms is None else [f"{self.latency_ms:.1f} ms a ride"]
        return f"{subject} {verb} the champion{instead}" + (f": {', '.join(figures)}." if figures else ".")

    def as_dict(self) -> dict[str, Any]:
        """The decision as plain numbers and words, for JSON."""
        return {**asdict(self), "reasons": list(self.reasons)}


def keep(decision: Decision) -> None:
    """Write the decision to the challenger's version, as tags ``gate`` and ``gate.…``."""
    import mlflow

    facts: Mapping[str, Any] = {
        "gate": "promoted" if decision.promoted else "refused",
        "gate.at": datetime.now(UTC).isoformat(timespec="seconds"),
        "gate.champion": decision.champion if decision.champion is not None else "none",
        "gate.metric": decision.metric,
        "gate.margin": decision.margin,
        "gate.gain": decision.gain,
        "gate.latency_ms": decision.latency_ms,
        "gate.budget_ms": decision.budget_ms,
        "gate.data": decision.data,
        "gate.scores": json.dumps(decision.scores),
        "gate.reasons": json.dumps(decision.reasons, ensure_ascii=False),
    }
    client = mlflow.MlflowClient()
    with translated():
        for key, value in facts.items():
            text = "unknown" if value is None else str(value)
            client.set_model_version_tag(decision.name, str(decision.challenger), key, text)
