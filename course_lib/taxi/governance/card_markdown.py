"""A model card in Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from course_lib.taxi.governance.card_document import Picture, Table, parts, title

if TYPE_CHECKING:
    from course_lib.taxi.governance.card import ModelCard


def render(card: ModelCard) -> str:
    """The whole document; pictures are left to the page, what they show stands in the tables."""
    lines = [f"# {_escaped(title(card))}", "", f"Made {card.at:%Y-%m-%d %H:%M} UTC."]
    for part in parts(card):
        lines += ["", f"## {part.title}"]
        for block in part.blocks:
            if not isinstance(block, Picture):
                lines += ["", *_block(block)]
    return "\n".join(lines) + "\n"


def _block(block: Any) -> list[str]:
    if isinstance(block, Table):
        rule = ["---", *("--:" if block.numbers else "---" for _ in block.headings[1:])]
        return [_row(block.headings), _row(rule), *(_row([_cell(text) for text in row]) for row in block.rows)]
    if isinstance(block, list):
        return [f"- {_escaped(text)}" for text in block]
    return [_escaped(block)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    """One line in which nothing begins HTML; the card's own ** stay."""
    return re.sub(r"\s+", " ", text).strip().replace("<", "&lt;")
