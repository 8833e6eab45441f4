"""A model card as a reader meets it: titled parts of paragraphs, lists, tables and pictures, before any markup.

card_markdown and card_page only dress what stands here, so both say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.taxi.governance import plots
from course_lib.taxi.governance.fairness import place_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from course_lib.taxi.governance.card import ModelCard


MISSING = "What is missing"
#: A picture's width in inches: small enough to be legible on a phone.
WIDTH = 5.2


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; all columns but the first are aligned to the right where ``numbers`` is set."""

    headings: list[str]
    rows: list[list[str]]
    numbers: bool = True


@dataclass(frozen=True)
class Picture:
    """A figure, made when it is needed, and the words for those who don't see it."""

    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Part:
    """A titled part of the card; its blocks are texts, lists of texts, Tables and Pictures. ``wide`` ones need room."""

    title: str
    blocks: list[Any] = field(default_factory=list)
    wide: bool = False


def title(card: ModelCard) -> str:
    """The card's heading."""
    return f"Model card: {card.name}, version {card.version} ({card.alias})"


def parts(card: ModelCard) -> list[Part]:
    """All parts, in order; what is missing is said in its place and again in a part of its own."""
    made = [
        Part("What it is for", _purpose(card)),
        Part("How good it is", _metrics(card)),
        Part("For whom it is better and worse", _slices(card), wide=True),
        Part("What it looks at", _importance(card)),
        Part("Limits", [[f"**{one['what']}.** {one['text']}" for one in card.sections["limits"]["limits"]]]),
        Part("Data", _data(card)),
        Part("Lineage", _lineage(card)),
        Part("Who let it in", _promotion(card), wide=True),
        Part(MISSING, _missing(card), wide=True),
    ]
    return [replace(part, blocks=[block for block in part.blocks if block] or ["Missing."]) for part in made]


def _purpose(card: ModelCard) -> list[Any]:
    about = card.sections["purpose"]
    told = [about.get("for_what", ""), about.get("for_whom", "")]
    return [*told, "Not for:" if about.get("not_for") else "", about.get("not_for", [])]


def _metrics(card: ModelCard) -> list[Any]:
    row, logged = card.overall, card.sections["metrics"]["logged"]
    blocks: list[Any] = []
    if row is not None:
        facts = card.sections["data"]["valid"]
        blocks.append(
            f"Measured on {facts['rides']:,} rides of {facts['months']}: "
            f"RMSE {_with_interval(row, 'rmse', '.2f')} min, "
            f"bias {_with_interval(row, 'bias', '+.2f')} min (above 0: promised too long), "
            f"{row['within_5']:.1%} of the rides within 5 minutes of the promise."
        )
        blocks.append("Intervals hold 95 % of bootstrap samples that draw whole days.")
    if logged:
        told = ", ".join(f"{name} {value:.3f}" for name, value in sorted(logged.items()))
        blocks.append(f"As its run logged it: {told}.")
    return blocks


def _slices(card: ModelCard) -> list[Any]:
    blocks: list[Any] = []
    for by, table in card.tables.items():
        if by == "importance":
            continue
        if table["enough"].any():
            blocks.append(Picture(lambda table=table: plots.error_by(table, card.overall, WIDTH)))
        rows = [[place_name(by, name), f"{row['n']:,}", *_figures(row)] for name, row in table.iterrows()]
        heading = by.replace("dropoff", "drop-off")
        blocks.append(Table([heading, "rides", "RMSE, 95 % (min)", "bias (min)", "within 5"], rows))
    return blocks


def _figures(row: pd.Series) -> list[str]:
    if not row["enough"]:
        return ["too few rides", "", ""]
    interval = "" if pd.isna(row["rmse_low"]) else f" ({row['rmse_low']:.2f}–{row['rmse_high']:.2f})"
    return [f"{row['rmse']:.2f}{interval}", f"{row['bias']:+.2f}", f"{row['within_5']:.0%}"]


def _importance(card: ModelCard) -> list[Any]:
    if "importance" not in card.tables:
        return []
    table = card.tables["importance"]
    told = ", ".join(f"{name} {row['rise']:.1f} min" for name, row in table.iterrows())
    text = f"Rise of the RMSE when one thing that the rider gives is shuffled among {table.attrs['rides']:,} rides:"
    return [f"{text} {told}.", Picture(lambda: plots.importance(table, WIDTH))]


def _data(card: ModelCard) -> list[Any]:
    roles = {"train": "learned from", "valid": "scored on"}
    rows = []
    for role, facts in card.sections["data"].items():
        same = {True: "the run's", False: "not the run's", None: "the run has none"}[facts["same_as_recorded"]]
        rows.append(
            [roles[role], facts["months"], f"{facts['rides']:,}", facts["source"], f"{facts['hash'][:12]}… ({same})"]
        )
    return [Table(["rides", "months", "how many", "source", "hash"], rows, numbers=False)] if rows else []


def _lineage(card: ModelCard) -> list[Any]:
    facts = card.sections["lineage"]
    if not facts:
        return []
    rows = [["run", f"{facts['run']['name']} ({facts['run']['id']})"], ["code", facts["code"]["commit"]]]
    rows.append(["uncommitted changes", facts["code"]["uncommitted_changes"]])
    rows += [["environment", f"{facts['environment']['fingerprint']} ({facts['environment']['packages']} packages)"]]
    rows += [["Python", facts["python"]], ["system", facts["system"]]]
    rows += [[f"data: {role}", digits] for role, digits in facts["data"].items()]
    rows += [[f"parameter {name}", str(value)] for name, value in sorted(facts["params"].items())]
    return [Table(["what", "value"], rows, numbers=False)]


def _promotion(card: ModelCard) -> list[Any]:
    facts = card.sections["promotion"]
    blocks: list[Any] = []
    if "action" in facts:
        was = facts["details"].get("from")
        over = f" in place of version {was}" if was is not None else ", the first to have it"
        what = {"promoted": "Promoted by the gate", "rolled back": "Put back by a rollback"}.get(
            facts["action"], "Alias set by hand"
        )
        blocks.append(
            f"{what} at {_minute(facts['at'])} UTC, by {facts['by']}{over} (entry {facts['entry']} of the audit log)."
        )
        if (gain := facts["details"].get("gain")) is not None:
            blocks.append(f"The gate measured a {facts['details']['metric']} better by {gain:.3f} on the same rides.")
    if "audit" in facts:
        blocks.append(f"Audit log: {facts['audit']['text']}")
    history = facts.get("history", [])
    rows = [[str(one["number"]), _minute(one["at"]), one["by"], one["action"], one["subject"]] for one in history]
    return [*blocks, Table(["entry", "at (UTC)", "by", "what", "version"], rows, numbers=False) if rows else ""]


def _missing(card: ModelCard) -> list[Any]:
    if not card.why:
        return ["Nothing: every part has its evidence."]
    return [[f"**{name}**: {why.rstrip('.')}." for name, why in card.why.items()]]


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _with_interval(row: pd.Series, name: str, form: str) -> str:
    if pd.isna(row[f"{name}_low"]):
        return f"{row[name]:{form}}"
    return f"{row[name]:{form}} ({row[f'{name}_low']:{form}} to {row[f'{name}_high']:{form}})"
