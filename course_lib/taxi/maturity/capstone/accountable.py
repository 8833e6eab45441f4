"""Step 5: it answers for itself."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from course_lib.taxi.maturity import governed, records
from course_lib.taxi.maturity.capstone.questions import Question, Wrong
from course_lib.taxi.maturity.capstone.recorded import champion_run, logged_rmse
from course_lib.taxi.maturity.capstone.trial import Trial
from course_lib.taxi.maturity.scan import Project


def gate(trial: Trial) -> str:
    """A model that learned nonsense is put on record, and does not become the champion."""
    before = trial.records()
    champion = trial.champion_version(before).number
    data = trial.place.root / trial.settings.data
    whole = data.read_bytes()
    try:
        _spoil(data, trial.functions[0]["split"]["first_valid"])
        ran = trial.pipeline("every ride that it learns from takes 55 minutes")
    finally:
        data.write_bytes(whole)
    after = trial.records()
    now = trial.champion_version(after).number
    if now != champion:
        raise Wrong(f"a model that says 55 minutes for every ride became the champion (version {now})")
    if ran.code is None:
        raise Wrong(ran.how())
    if len(after.runs) == len(before.runs):
        how = "did not train again" if ran.ok else f"put no run on record ({ran.how()})"
        raise Wrong(f"the data changed, and the pipeline {how}: what guards the champion can't be seen")
    return f"a model that says 55 minutes for every ride was refused; version {now} stays"


def _spoil(data: Path, first_valid: str) -> None:
    """Let every trip before the part that is judged on take 55 minutes."""
    trips = pd.read_csv(data, parse_dates=["lpep_pickup_datetime", "lpep_dropoff_datetime"])
    learned = trips["lpep_pickup_datetime"] < pd.Timestamp(first_valid)
    trips.loc[learned, "lpep_dropoff_datetime"] = trips["lpep_pickup_datetime"] + pd.Timedelta(minutes=55)
    trips.to_csv(data, index=False)


def card(trial: Trial) -> str:
    """The card says of the champion what the registry says."""
    trial.settings.need("card")
    version, run = champion_run(trial)
    said = _same_numbers(trial.after_first.root, trial, version, run)
    own = trial.folder / trial.settings.tracking
    if (trial.folder / trial.settings.card).is_file() and own.is_dir() and list(own.glob("*.db")):
        store = trial.records_in(own)
        mine = trial.champion_version(store)
        made_by = next((one for one in store.runs if one.id == mine.run_id), None)
        if made_by is not None:
            _same_numbers(trial.folder, trial, mine, made_by)
    return said


def _same_numbers(root: Path, trial: Trial, version: records.Version, run: records.Run) -> str:
    name = trial.settings.card
    if not (root / name).is_file():
        raise Wrong(f"after the pipeline there is no {name}")
    found = governed.model_card(Project(root / Path(name).parent))
    if not found.found:
        raise Wrong(found.missing)
    text = governed.words_of((root / name).read_text(encoding="utf-8", errors="replace"))
    if not re.search(rf"(?i)\b(?:version|v)\W{{0,12}}{version.number}\b", text):
        raise Wrong(f"{name} does not say that it is about version {version.number}")
    logged = logged_rmse(run)
    if logged is None or not says(text, logged):
        shown = "none" if logged is None else f"{logged:.2f}"
        raise Wrong(f"{name} does not have the RMSE of the registry's run, {shown} minutes")
    return f"{name}: version {version.number}, RMSE {logged:.2f} minutes, as in the registry"


def says(text: str, value: float) -> bool:
    """Whether a number with two or more decimals stands in the text that is ``value``, rounded."""
    for number in re.findall(r"\d+\.\d{2,}", text):
        if abs(float(number) - value) <= 0.5000001 * 10 ** -len(number.partition(".")[2]):
            return True
    return False


def audit(trial: Trial) -> str:
    """The log holds, in the fresh copy and in the folder itself, and has the promotion in it."""
    version, _ = champion_run(trial)
    log, entries = _verified(trial.after_first.root, trial)
    promoted = [one for one in entries if "promote" in one.action and one.subject.endswith(f"/{version.number}")]
    if not promoted:
        raise Wrong(
            f"{trial.settings.audit} has {len(entries)} entries, none of which promotes version {version.number}"
        )
    if (trial.folder / trial.settings.audit).is_file():
        _verified(trial.folder, trial)
    return (
        f"{log}: {len(entries)} entries in an unbroken chain; {promoted[-1].number} promotes version {version.number}"
    )


def _verified(root: Path, trial: Trial) -> tuple[str, list]:
    from course_lib.taxi.governance.audit import AuditLog

    path = root / trial.settings.audit
    if not path.is_file():
        raise Wrong(f"after the pipeline there is no {trial.settings.audit}")
    where = "the fresh copy's" if root == trial.after_first.root else "your folder's"
    log = AuditLog(path)
    check = log.verify(_noted_head(root / trial.settings.tracking, trial.settings.model))
    if not check.ok:
        raise Wrong(f"{where} {trial.settings.audit} does not hold: {check.reason}")
    return trial.settings.audit, log.entries()


def _noted_head(folder: Path, model: str) -> tuple[int, str] | None:
    """The head of the log that the registry noted when an alias last moved, if it did."""
    import sqlite3

    for database in sorted(folder.glob("*.db")):
        try:
            text = records.model_tag(database, model, "audit.head")
        except (sqlite3.Error, OSError):
            continue
        if text and (match := re.search(r"(\d+)\D+([0-9a-f]{64})", text)):
            from course_lib.taxi.governance.audit import Head

            return Head(int(match[1]), match[2])
    return None


def review(trial: Trial) -> str:
    """Owners for what decides about models."""
    found = governed.review_rule(Project.open(trial.folder))
    if not found.found:
        raise Wrong(found.missing)
    return found.where


QUESTIONS = (
    Question(
        "model card",
        "a card with the champion's version and the RMSE that the registry has, what it is for, and what not",
        "let the pipeline write it from the registry (card.build(…).save(…)), after every promotion",
        card,
    ),
    Question(
        "audit log",
        "a chain of entries that verifies, with the promotion of the champion in it; nobody edited it",
        "tracking.promote writes it beside the database; never edit it: begin a new state folder if it is broken",
        audit,
    ),
    Question(
        "review rule",
        "CODEOWNERS that says who must agree to a change",
        "write .github/CODEOWNERS: a pattern and an @owner in each line",
        review,
    ),
    Question(
        "promotion gate",
        "trained on nonsense, a model is put on record, judged, and does not become the champion",
        "tracking.promote(…, trips=valid, margin=…) decides; nothing else may move the alias champion",
        gate,
    ),
)
