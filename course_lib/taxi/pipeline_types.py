"""What goes into the pipeline's steps and what comes out: small frozen records, nothing that works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError, UsageError

#: The steps of one month, in order.
STEPS = ("ingest", "validate", "features", "train", "evaluate", "register")


@dataclass(frozen=True)
class Settings:
    """All that a month's result depends on, besides the trips themselves and the code.

    ``source`` is ``simulated``, ``tlc``, a folder or a store's address; None asks TAXI_DATA when the settings are made,
    so that a worker elsewhere reads the same. ``rows`` is for simulated months. The last ``evaluation_days`` days of
    the month are for judging; a month with more than ``max_bad_share`` (0…1) of rows that break the contract fails. A
    model takes the champion's place if its RMSE is smaller by at least ``margin`` minutes.

    1 % is far above what was measured: not one of 462,533 rows in six real months, and none of the simulated ones,
    breaks the contract (their dirt is dirt of rides, which cleaning counts). More means that something changed
    upstream.

    Raises UsageError for values that make no sense.
    """

    source: str | None = None
    rows: int | None = None
    model: str = "boosting"
    evaluation_days: int = 7
    max_bad_share: float = 0.01
    min_minutes: float = 1
    max_minutes: float = 60
    random_state: int = 0
    model_name: str = "taxi-duration"
    margin: float = 0.05

    def __post_init__(self) -> None:
        from course_lib.taxi import sources

        object.__setattr__(self, "source", sources.chosen_name(self.source))
        _whole("evaluation_days", self.evaluation_days, 1, 27)
        if self.rows is not None:
            _whole("rows", self.rows, 1)
            if self.source != "simulated":
                raise UsageError(
                    "Only simulated months come in any size: leave rows out, or use the source 'simulated'."
                )
        if not 0 <= self.max_bad_share <= 1:
            raise UsageError(f"max_bad_share is a share from 0 to 1, not {self.max_bad_share!r}.")
        if not self.min_minutes <= self.max_minutes:
            raise UsageError(f"min_minutes ({self.min_minutes}) must not exceed max_minutes ({self.max_minutes}).")

    def check_model(self) -> None:
        """Raise UsageError for a model that there isn't. Apart from the rest: it imports scikit-learn (1 s)."""
        from course_lib.taxi import models

        models.build(self.model)


def _whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most and value > most):
        up_to = f" to {most}" if most else " or more"
        raise UsageError(f"{name} must be a whole number, {least}{up_to}, not {value!r}.")


@dataclass(frozen=True)
class File:
    """A file that a step wrote, with what proves that it is still the same."""

    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Ingested:
    """The month's file as it came, copied in; ``rows`` from its footer."""

    month: str
    trips: File
    rows: int


@dataclass(frozen=True)
class Validated:
    """Rows that keep the contract, in canonical types, and those that don't, as they came, with their reasons.

    ``rows_good + rows_bad == rows_in``. ``reasons`` counts rows by reason; a row with two counts in both.
    """

    month: str
    trips: File
    quarantined: File
    rows_in: int
    rows_good: int
    rows_bad: int
    reasons: dict[str, int]


@dataclass(frozen=True)
class Tables:
    """Cleaned rides before ``split`` (ISO date) to learn from, and those from it on to judge with.

    Both hold the columns known at booking and ``duration`` (minutes). ``account`` is cleaning's: rows by reason.
    """

    month: str
    train: File
    evaluation: File
    rows_train: int
    rows_evaluation: int
    split: str
    account: dict[str, int]


@dataclass(frozen=True)
class Trained:
    """A fitted model, pickled; ``rows`` is how many rides it learned from."""

    month: str
    model: File
    rows: int


@dataclass(frozen=True)
class Evaluated:
    """How good the model is on the month's last days: evaluation.score's metrics; ``baseline``: those of the mean."""

    month: str
    scores: File
    metrics: dict[str, float]
    baseline: dict[str, float]


@dataclass(frozen=True)
class Registered:
    """The model's version in the registry, and what the promotion gate said: ``reason`` is a sentence."""

    month: str
    name: str
    version: int
    promoted: bool
    reason: str


#: What each step returns.
RESULTS: dict[str, type] = dict(zip(STEPS, (Ingested, Validated, Tables, Trained, Evaluated, Registered), strict=True))


class StepFailed(CourseError):
    """A month stopped at a step; the message says which and why."""


@dataclass(frozen=True)
class MonthResult:
    """What happened to one month, as far as it went.

    ``did`` says for each step ``ran``, ``unchanged``, ``failed`` or ``skipped``; ``outputs`` holds what the steps
    returned; ``error`` and ``failed_step`` are None unless a step failed; ``seconds`` counts work, not waiting.
    """

    month: str
    did: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    error: str | None = None
    failed_step: str | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether no step failed."""
        return self.error is None

    def checked(self) -> MonthResult:
        """This result; raises StepFailed if a step failed."""
        if self.error is not None:
            raise StepFailed(f"{self.month} failed at {self.failed_step}: {self.error}")
        return self

    def with_step(self, step: str, did: str, output: Any = None, seconds: float = 0.0) -> MonthResult:
        """This result with one more step."""
        outputs = {**self.outputs, step: output} if output is not None else self.outputs
        return replace(self, did={**self.did, step: did}, outputs=outputs, seconds=self.seconds + seconds)

    def failing(self, step: str, error: str, seconds: float = 0.0) -> MonthResult:
        """This result with ``step`` failed."""
        failed = self.with_step(step, "failed", seconds=seconds)
        return replace(failed, error=error, failed_step=step)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = {"month": self.month, "ok": self.ok, "did": dict(self.did), "seconds": round(self.seconds, 3)}
        if self.error:
            found |= {"error": self.error, "failed_step": self.failed_step}
        if valid := self.outputs.get("validate"):
            found |= {"rows_in": valid.rows_in, "quarantined": valid.rows_bad, "reasons": valid.reasons}
        if tables := self.outputs.get("features"):
            found |= {"rows_train": tables.rows_train, "rows_evaluation": tables.rows_evaluation}
        if evaluated := self.outputs.get("evaluate"):
            found |= {"metrics": evaluated.metrics, "baseline": evaluated.baseline}
        if registered := self.outputs.get("register"):
            found |= {"version": registered.version, "promoted": registered.promoted, "gate": registered.reason}
        return found
