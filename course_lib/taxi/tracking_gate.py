"""The gate: a challenger becomes champion only when it is better on the same rides, by a margin, and quick enough.

decision = tracking.promote(trips=march, margin=0.05, budget_ms=50)
print(decision)                  # promoted, or every reason why not, with its numbers
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import tracking_audit, tracking_lookup, tracking_registry, tracking_store
from course_lib.taxi.evaluation import METRICS, score
from course_lib.taxi.governance.audit import AuditError
from course_lib.taxi.tracking_data import data_hash
from course_lib.taxi.tracking_decision import Decision, keep
from course_lib.taxi.tracking_errors import NoChampion, NoSuchAlias, NoSuchRun
from course_lib.taxi.tracking_lookup import CHALLENGER, CHAMPION
from course_lib.taxi.tracking_scoring import latency_ms
from course_lib.taxi.tracking_store import MODEL_NAME
from course_lib.taxi.tracking_tables import find_run, loss

_HAIR = 1e-9  # what adding decimal fractions in binary can cost


def promote(
    name: str = MODEL_NAME,
    challenger: str | int = CHALLENGER,
    *,
    trips: pd.DataFrame | None = None,
    metric: str = "rmse",
    margin: float = 0.05,
    budget_ms: float = 50.0,
    first: bool = False,
    dry_run: bool = False,
    measure: Callable[[Any, pd.DataFrame], float] = latency_ms,
    by: str | None = None,
) -> Decision:
    """Move the alias ``champion`` to ``challenger`` (an alias or a version) if it deserves it; say why, if not.

    With ``trips`` (cleaned, with ``duration``, and not those that either learned from) both are scored here and now.
    Without, by the metrics their runs logged, ``predict_ms`` included, and only if both were scored on the same data
    (the tags ``data.valid``). The challenger's ``metric`` must be better by ``margin`` at least, in its units, and
    never merely equal; its median time for one ride (``measure``) must not exceed ``budget_ms``.

    ``first`` allows a model that has no champion yet to get one: then nothing is compared. The decision is kept as tags
    of the version, ``gate`` and ``gate.…``. If somebody moved the champion meanwhile, nothing moves and that is the
    reason. ``dry_run`` decides, but neither moves nor tags.

    The audit log gets an entry before the alias moves, in the name of ``by`` (default: audit.person()), and one for a
    refusal. If it can't be written, nothing moves, and that is the reason: no champion without a record of who let it
    in.

    Raises NoChampion, NotRegistered, NoSuchAlias, NoSuchVersion, or UsageError for trips that can't be scored on.
    """
    _check_question(trips, metric, margin, budget_ms)
    candidate = _version_of(name, challenger)
    champion = _champion(name, first)
    case = _Case(name, champion, candidate, metric, trips)
    if candidate == champion:
        reasons = [f"version {candidate} is the champion already"]
    elif trips is None:
        reasons = _compare_logged(case, margin, budget_ms)
    else:
        reasons = _compare_now(case, trips, margin, budget_ms, measure)
    promoted = not reasons
    facts = {"metric": metric, "margin": margin, "gain": case.gain, "scores": case.scores, "data": case.data}
    facts |= {"latency_ms": case.latency_ms, "rides": None if trips is None else len(trips)}
    if promoted and not dry_run and (moved := _move(name, champion, candidate, by, facts)):
        promoted, reasons = False, [moved]
    if not promoted and not dry_run:
        reasons = _refuse(name, champion, candidate, by, {**facts, "reasons": reasons})
    decision = Decision(
        promoted, name, champion, candidate, metric, margin, budget_ms, tuple(reasons), case.scores, case.gain,
        case.latency_ms, case.data, None if trips is None else len(trips), dry_run,
    )  # fmt: skip
    if not dry_run:
        keep(decision)
    return decision


@dataclass
class _Case:
    """What is found out on the way to a decision."""

    name: str
    champion: int | None
    challenger: int
    metric: str
    trips: pd.DataFrame | None
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    gain: float | None = None
    latency_ms: float | None = None
    data: str | None = None

    def sides(self) -> dict[str, int]:
        """The versions in the game, by their part in it."""
        both = {CHAMPION: self.champion, CHALLENGER: self.challenger}
        return {side: number for side, number in both.items() if number is not None}


def _check_question(trips: pd.DataFrame | None, metric: str, margin: float, budget_ms: float) -> None:
    if metric not in METRICS:
        raise UsageError(f"There is no metric '{metric}' to promote by. There are: {', '.join(METRICS)}.")
    if not margin >= 0 or math.isinf(margin):
        raise UsageError(f"The margin must be 0 or more, in the metric's units, not {margin}.")
    if not budget_ms > 0:
        raise UsageError(f"The latency budget must be more than 0 ms, not {budget_ms}.")
    if trips is None:
        return
    if "duration" not in trips.columns:
        raise UsageError("The trips have no column 'duration': take them from cleaning.clean(trips).trips.")
    if len(trips) == 0:
        raise UsageError("There are no trips to compare the models on.")


def _version_of(name: str, challenger: str | int) -> int:
    if isinstance(challenger, str) and not challenger.isdigit():
        return tracking_lookup.version(name, challenger)
    return int(tracking_lookup.model_version(name, int(challenger)).version)


def _champion(name: str, first: bool) -> int | None:
    try:
        return tracking_lookup.version(name, CHAMPION)
    except NoSuchAlias as error:
        if first:
            return None
        raise NoChampion(
            f"The model '{name}' has no champion that a challenger could be compared with. If this is to be the first "
            "one, say so: tracking.promote(..., first=True)."
        ) from error


def _compare_now(
    case: _Case, trips: pd.DataFrame, margin: float, budget_ms: float, measure: Callable[[Any, pd.DataFrame], float]
) -> list[str]:
    """Score both on ``trips``; the reasons against the challenger."""
    case.data = data_hash(trips)
    reasons = []
    for side, number in case.sides().items():
        if _run_tag(case.name, number, "data.train") == case.data:
            reasons.append(f"the {side} (version {number}) learned from these very trips: score on later ones")
        model = tracking_registry.load(case.name, version=number)
        try:
            case.scores[side] = score(trips["duration"], model.predict(trips))
            if side == CHALLENGER:
                case.latency_ms = float(measure(model, trips))
        except Exception as error:  # whatever a broken model raises is a reason, not our failure
            reasons.append(f"the {side} (version {number}) can't be scored: {type(error).__name__}: {error}")
    return reasons + _verdict(case, margin, budget_ms)


def _compare_logged(case: _Case, margin: float, budget_ms: float) -> list[str]:
    """Take what the runs logged; the reasons against the challenger."""
    reasons, data = [], {}
    for side, number in case.sides().items():
        data[side] = _run_tag(case.name, number, "data.valid")
        logged = _run_metrics(case.name, number)
        if data[side] is None:
            reasons.append(f"nobody recorded which trips the {side} (version {number}) was scored on: give trips=…")
        if case.metric not in logged:
            reasons.append(f"the {side} (version {number}) has no logged {case.metric}: give trips=…")
            continue
        case.scores[side] = {key: value for key, value in logged.items() if key in METRICS}
        if side == CHALLENGER:
            case.latency_ms = logged.get("predict_ms")
    if len(set(data.values())) > 1 and None not in data.values():
        reasons.append(
            "the two were scored on different data "
            f"({', '.join(f'{side} {digits[:12]}' for side, digits in data.items())}): give trips=…"
        )
    case.data = data[CHALLENGER]
    if case.latency_ms is None:
        reasons.append("the challenger has no logged predict_ms to hold against the latency budget: give trips=…")
    return reasons + _verdict(case, margin, budget_ms)


def _verdict(case: _Case, margin: float, budget_ms: float) -> list[str]:
    """The reasons that the figures give, as far as they are known."""
    reasons = []
    if case.latency_ms is not None and not case.latency_ms <= budget_ms:
        reasons.append(f"it takes {case.latency_ms:.1f} ms for one ride, and the budget is {budget_ms:g} ms")
    if set(case.scores) != {CHAMPION, CHALLENGER}:
        return reasons
    old, new = (case.scores[side][case.metric] for side in (CHAMPION, CHALLENGER))
    case.gain = float(loss(case.metric, old) - loss(case.metric, new))
    if not math.isfinite(case.gain):
        reasons.append(f"its {case.metric} ({new}) can't be compared with the champion's ({old})")
    elif case.gain <= _HAIR or case.gain < margin - _HAIR:
        how = f"better by {case.gain:.3f} only" if case.gain > _HAIR else "not better"
        if case.gain < -_HAIR:
            how = f"worse by {-case.gain:.3f}"
        reasons.append(
            f"its {case.metric} of {new:.3f} is {how} against the champion's {old:.3f}; "
            + (f"the margin is {margin:g}" if margin else "it must be better")
        )
    return reasons


def _move(name: str, champion: int | None, challenger: int, by: str | None, facts: dict[str, Any]) -> str | None:
    """Move the alias unless it isn't where it was when the comparison began, or can't be recorded; then the reason."""
    with tracking_store.exclusive():  # every move of an alias holds this, so that nobody can come between
        now = tracking_lookup.aliases(name).get(CHAMPION)
        if now != champion:
            was = f"version {champion}" if champion is not None else "nobody"
            return f"while it was compared with {was}, version {now} became the champion: compare again"
        tracking_lookup.model_version(name, challenger)  # not deleted meanwhile
        try:
            tracking_audit.move(name, CHAMPION, challenger, tracking_audit.PROMOTED, by=by, details=facts)
        except AuditError as error:
            return f"what isn't recorded isn't done: {error}"
    return None


def _refuse(name: str, champion: int | None, challenger: int, by: str | None, facts: dict[str, Any]) -> list[str]:
    """Record the refusal; its reasons, and that it couldn't be recorded if so."""
    try:
        tracking_audit.refusal(name, challenger, by, {"alias": CHAMPION, "from": champion, "to": champion, **facts})
    except AuditError as error:
        if not any(str(error) in reason for reason in facts["reasons"]):
            return [*facts["reasons"], f"nor can this refusal be recorded: {error}"]
    return facts["reasons"]


def _run_tag(name: str, number: int, key: str) -> str | None:
    run = _run_of(name, number)
    return None if run is None else run.data.tags.get(key)


def _run_metrics(name: str, number: int) -> dict[str, float]:
    run = _run_of(name, number)
    return {} if run is None else dict(run.data.metrics)


def _run_of(name: str, number: int) -> Any:
    run_id = tracking_lookup.model_version(name, number).run_id
    try:
        return find_run(run_id) if run_id else None
    except NoSuchRun:
        return None
