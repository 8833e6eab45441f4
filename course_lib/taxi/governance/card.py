"""The model card: what a registered model is for, what it was made from, how good it is for whom, and who let it loose.

made = card.build()                  # of the champion
made.missing                         # what nobody recorded, by name
made.save("build/card")              # model_card.md, model_card.html, model_card.json

After Mitchell et al., "Model Cards for Model Reporting" (2019). Everything is read or measured when the card is built;
what has no evidence is named as missing and not made up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi import tracking
from course_lib.taxi.governance import asking, card_limits, card_registry, card_rides, fairness, importance
from course_lib.taxi.governance.card_registry import Registered
from course_lib.taxi.governance.card_rides import Rides
from course_lib.taxi.pipeline_files import replacing
from course_lib.taxi.tracking_audit import plain

#: The slices a card shows.
SLICES = ("pickup borough", "hour")
NAME = "model_card"


@dataclass(frozen=True)
class ModelCard:
    """A model card. ``sections`` are plain facts by name (see SECTIONS), ``why`` says of each missing thing why it is.

    ``tables`` are the measured ones: a slice's name or "importance" → DataFrame; ``overall`` the figures of all rides
    (None: nothing could be measured).
    """

    name: str
    version: int
    alias: str
    at: datetime
    sections: dict[str, dict[str, Any]]
    why: dict[str, str]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    overall: pd.Series | None = field(default=None, repr=False)

    @property
    def missing(self) -> list[str]:
        """What has no evidence, by name; ``why`` has the reasons."""
        return list(self.why)

    @property
    def holds(self) -> bool:
        """Whether the audit log holds, as far as the registry's note and its own chain tell."""
        return bool(self.sections["promotion"].get("audit", {}).get("ok", True))

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values: a figure that could not be had is None, and ``missing`` maps names to reasons."""
        head = {
            "name": self.name,
            "version": self.version,
            "alias": self.alias,
            "at": self.at.isoformat("T", "seconds"),
        }
        return plain({**head, **self.sections, "missing": self.why})

    def markdown(self) -> str:
        """The card as a Markdown document."""
        from course_lib.taxi.governance import card_markdown

        return card_markdown.render(self)

    def html(self) -> str:
        """The card as one HTML page that asks nobody for anything; pictures are inline and have words."""
        from course_lib.taxi.governance import card_page

        return card_page.render(self)

    def save(self, folder: str | os.PathLike[str]) -> dict[str, Path]:
        """Write model_card.md, .html and .json to ``folder``; their paths by kind. Raises CourseError."""
        home = Path(folder)
        text = json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        texts = {"md": self.markdown(), "html": self.html(), "json": text}
        paths = {kind: home / f"{NAME}.{kind}" for kind in texts}
        try:
            for kind, path in paths.items():
                with replacing(path) as part:
                    part.write_bytes(texts[kind].encode())
        except OSError as error:
            raise CourseError(f"The model card can't be written to {home}: {error.strerror or error}.") from error
        return paths


#: The names of a card's sections, in order.
SECTIONS = ("model", "purpose", "data", "metrics", "slices", "importance", "limits", "lineage", "promotion")


def build(
    name: str = tracking.MODEL_NAME,
    alias: str = tracking.CHAMPION,
    folder: str | os.PathLike[str] | None = None,
    months: str | Sequence[str] | None = None,
    *,
    source: str | None = None,
    rows: int | None = None,
    rides: pd.DataFrame | None = None,
    learned: pd.DataFrame | None = None,
    min_rides: int = 100,
    at: datetime | None = None,
    progress: Callable[[str], None] = lambda _line: None,
) -> ModelCard:
    """The card of the version that ``alias`` of the model ``name`` points to, in MLflow's ``folder`` (default: in use).

    It is measured on ``rides`` (cleaned trips with ``duration``), else on ``months`` (as backfill.run takes them), else
    on the month that the version's run was scored on. ``learned`` are the trips that it learned from, read again if not
    given. ``source`` and ``rows`` are trips.load's; the default is the source that the run recorded. Slices need
    ``min_rides``.

    What can't be had becomes a missing section: a run without data hashes, a model whose files are gone, a month that
    isn't there. Raises NotRegistered, NoSuchAlias and NoSuchVersion, and what is wrong with ``rides`` or ``months``.
    """
    known = card_registry.read(name, alias, folder)
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    why: dict[str, str] = {}
    sections["model"] = _model(known)
    sections["purpose"], gaps = card_registry.purpose(known)
    why |= gaps
    progress("reading the rides")
    reading = {"source": source, "rows": rows}
    scored = _had(why, "Metrics", lambda: card_rides.scored(known, rides, months, **reading), rides, months)
    trained = _had(why, "Training data", lambda: card_rides.learned(known, learned, **reading), learned)
    hashes = {role: about["hash"] for role, about in known.lineage.data.items()}
    both = {"train": trained, "valid": scored}
    sections["data"] = {role: read.facts(hashes.get(role)) for role, read in both.items() if read is not None}
    why |= _other_rides(sections["data"])
    tables: dict[str, pd.DataFrame] = {}
    overall = None
    sections["metrics"] = {"logged": known.metrics}
    if scored is not None:
        progress(f"measuring on {len(scored.trips):,} rides")
        measured = _had(why, "Metrics", lambda: _measure(known, scored, min_rides))
        if measured is not None:
            tables, overall = measured
            sections["metrics"] |= {"measured": overall.to_dict(), "months": scored.months}
            sections["slices"] = {by: _records(tables[by]) for by in SLICES}
            sections["importance"] = {"rise": _records(tables["importance"]), **tables["importance"].attrs}
    if overall is None:
        why |= dict.fromkeys(("Slices", "Importance"), "nothing could be measured, see Metrics")
    sections["limits"] = {"limits": _limits(tables, overall, trained, scored)}
    for section, of in (("lineage", card_registry.lineage), ("promotion", card_registry.promotion)):
        sections[section], gaps = of(known)
        why |= gaps
    return ModelCard(name, known.version, alias, at or datetime.now(UTC), sections, why, tables, overall)


def _model(known: Registered) -> dict[str, Any]:
    created = known.created.isoformat(timespec="seconds")
    return {
        "name": known.name, "version": known.version, "alias": known.alias, "kind": known.params.get("model"),
        "registered_at": created, "run_id": known.run_id,
    }  # fmt: skip


def _had(why: dict[str, str], what: str, get: Callable[[], Any], *asked: Any) -> Any:
    """What ``get`` gives, or None and a reason in ``why``; it raises where somebody ``asked`` for just that."""
    try:
        return get()
    except CourseError as error:
        if any(one is not None for one in asked):
            raise
        why[what] = str(error)
        return None


def _measure(known: Registered, scored: Rides, min_rides: int) -> tuple[dict[str, pd.DataFrame], pd.Series]:
    model = tracking.load(known.name, version=known.version)
    answered = scored.trips.assign(minutes=asking.minutes(model, scored.trips))
    # days, not rides: those of one snowstorm are no news of their own, and a card should rather say too little
    tables = {by: fairness.error_by(answered, by, min_rides, resample="days") for by in SLICES}
    tables["importance"] = importance.permutation(model, scored.trips)
    return tables, fairness.overall(answered, min(min_rides, len(answered)), resample="days")


def _other_rides(data: dict[str, dict[str, Any]]) -> dict[str, str]:
    words = {"train": "learned from", "valid": "was scored on"}
    found = {}
    for role, facts in data.items():
        if facts["same_as_recorded"] is False:
            here, then = facts["hash"][:12], facts["recorded_hash"][:12]
            found[f"Data: the rides it {words[role]}"] = (
                f"those of {facts['months']} that could be had are not those that the run recorded (their hash begins "
                f"with {here}, the run's with {then})"
            )
    return found


def _limits(
    tables: dict[str, pd.DataFrame], overall: pd.Series | None, trained: Rides | None, scored: Rides | None
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if overall is not None:
        found += card_limits.of_slices({by: tables[by] for by in SLICES}, overall) + card_limits.of_bias(overall)
    if trained is not None:
        found += card_limits.of_zones(trained, scored) + card_limits.of_labels(trained) + card_limits.of_time(trained)
    return found


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.reset_index().to_dict("records")
