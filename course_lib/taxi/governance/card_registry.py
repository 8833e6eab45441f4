"""What the registry, the run and the audit log say about a version: the part of a model card that needs no rides."""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi import tracking, tracking_audit, tracking_lookup
from course_lib.taxi.governance.audit import AuditError, Check, Entry
from course_lib.taxi.tracking_errors import translated
from course_lib.taxi.tracking_lineage import UNKNOWN

#: What the taxi team's model is for. A registered model's own description, where there is one, says it better.
PURPOSE = {
    "for_what": "To tell a rider, before a green taxi in New York is booked, about how long it will take.",
    "for_whom": "Riders who choose a pickup zone, a drop-off zone and a time, in the app or over the service's API.",
    "not_for": [
        "prices, drivers' pay or punctuality: it knows no traffic, weather, route or driver of the day",
        "rides outside of the city's taxi zones, or of more than an hour: it never saw one that long",
        "single promises that something depends on: the answer is a middle, and many rides take longer",
    ],
}
_MOVES = (tracking_audit.PROMOTED, tracking_audit.ROLLED_BACK, tracking_audit.ALIAS_SET)


@dataclass(frozen=True)
class Registered:
    """A version as the registry and its run know it; a run that was deleted leaves its facts empty."""

    name: str
    version: int
    alias: str
    run_id: str
    created: pd.Timestamp
    description: str = ""
    run_name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    lineage: tracking.Lineage = field(default_factory=tracking.Lineage)
    gone: str = ""


def read(name: str, alias: str, folder: str | os.PathLike[str] | None) -> Registered:
    """The version that ``alias`` points to, with its run. Raises NotRegistered, NoSuchAlias or NoSuchVersion."""
    if folder is not None:
        tracking.setup(folder)
    version = tracking.version(name, alias)
    import mlflow

    entry = tracking_lookup.model_version(name, version)
    with translated():
        about = mlflow.MlflowClient().get_registered_model(name)
    known = {
        "name": name,
        "version": version,
        "alias": alias,
        "run_id": entry.run_id or "",
        "created": pd.Timestamp(entry.creation_timestamp, unit="ms", tz="UTC"),
        "description": (entry.description or about.description or "").strip(),
        "tags": dict(entry.tags),
    }
    try:
        run = mlflow.MlflowClient().get_run(entry.run_id)
        lineage = tracking.lineage_of(entry.run_id)
    except Exception as error:  # deleted, or its files are: the card says so, and goes on
        text = str(error).strip()
        return Registered(**known, gone=f"its run can't be read: {(text.splitlines() or [type(error).__name__])[0]}")
    return Registered(
        **known,
        run_name=run.info.run_name,
        params=dict(lineage.params),
        metrics=dict(run.data.metrics),
        lineage=lineage,
    )


def purpose(known: Registered) -> tuple[dict[str, Any], dict[str, str]]:
    """What the model is for, and what is missing of it."""
    if known.description:
        return {"for_what": known.description}, {}
    if known.name == tracking.MODEL_NAME:
        return dict(PURPOSE), {}
    return {}, {"Purpose": f"nobody described '{known.name}' in the registry, so nobody says what it is for"}


def lineage(known: Registered) -> tuple[dict[str, Any], dict[str, str]]:
    """Run, code, environment and data hashes, and what is missing of them."""
    if known.gone:
        return {}, {"Lineage": known.gone}
    record, gaps = known.lineage, {}
    facts = {
        "run": {"id": known.run_id, "name": known.run_name},
        "code": {"commit": record.code.commit, "uncommitted_changes": record.code.changes},
        "environment": {"fingerprint": record.environment, "packages": len(record.packages)},
        "python": record.python,
        "system": record.system,
        "data": {role: about["hash"] for role, about in record.data.items()},
        "params": dict(record.params),
    }
    if record.code.commit == UNKNOWN:
        gaps["Lineage: code"] = "the run recorded no code revision: nobody can read the code that made this model"
    elif record.code.changes not in ("none", UNKNOWN):
        gaps["Lineage: code"] = "the code had changes that were not committed: the commit alone does not give it back"
    if record.environment == UNKNOWN:
        gaps["Lineage: environment"] = "the run recorded no environment: it can't be built again"
    for role, words in (("train", "the rides it learned from"), ("valid", "the rides it was scored on")):
        if role not in record.data:
            gaps[f"Lineage: hash of {words}"] = f"the run recorded no hash of {words}: nobody can tell which they were"
    return facts, gaps


def promotion(known: Registered) -> tuple[dict[str, Any], dict[str, str]]:
    """Who let this version have its alias and when, what the gate said, and whether the audit log holds."""
    facts: dict[str, Any] = {"gate": _gate(known.tags)}
    try:
        book = tracking_audit.log()
        check = book.verify(tracking_audit.noted(known.name))
        facts["audit"] = {**asdict(check), "text": str(check)}
        entries = _readable(book, check)
    except (AuditError, CourseError) as error:
        return facts, {"Promotion": f"the audit log can't be read: {error}"}
    subject = f"{known.name}/{known.version}"
    facts["history"] = [asdict(entry) for entry in entries if entry.subject in (subject, known.name)]
    gaps = {} if check else {"Promotion: audit log": str(check)}
    move = _last_move(entries, known)
    if move is None:
        gaps["Promotion"] = f"the audit log has no entry that made version {known.version} the {known.alias}"
        return facts, gaps
    facts |= {"action": move.action, "by": move.by, "at": move.at, "entry": move.number, "details": dict(move.details)}
    if move.details.get("to") != known.version:
        gaps["Promotion"] = (
            f"the audit log's last word (entry {move.number}) is that version {move.details.get('to')} is the "
            f"{known.alias}, and the registry says version {known.version}: it was moved without a record"
        )
    elif move.action == tracking_audit.ALIAS_SET:
        gaps["Promotion: gate"] = (
            f"{move.by} pointed the alias to this version by hand: it was compared with nothing before"
        )
    return facts, gaps


def _readable(book: Any, check: Check) -> list[Entry]:
    """The entries that can be trusted: all, or those before the first bad line."""
    with contextlib.suppress(AuditError):
        return book.entries()[: check.entries]
    from course_lib.taxi.governance import audit_chain

    lines = book.path.read_bytes().splitlines(keepends=True)[: check.entries]
    return [entry for entry in map(audit_chain.parse, lines) if entry is not None]


def _last_move(entries: list[Entry], known: Registered) -> Entry | None:
    """The last entry about this model's alias whose change was carried out."""
    failed = {entry.details.get("entry") for entry in entries if entry.action == tracking_audit.FAILED}
    moves = [
        entry
        for entry in entries
        if entry.action in _MOVES
        and entry.subject.rpartition("/")[0] == known.name
        and entry.details.get("alias") == known.alias
        and entry.number not in failed
    ]
    return moves[-1] if moves else None


def _gate(tags: dict[str, str]) -> dict[str, str]:
    return {key.removeprefix("gate."): value for key, value in sorted(tags.items()) if key.startswith("gate")}
