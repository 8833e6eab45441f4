"""The glossary: every term that a lesson marks with a bell, gathered on one page and linked to its lesson."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_lib.workbook.canonical import markdown_cell, new_notebook
from course_lib.workbook.modules import Module
from course_lib.workbook.text import read_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

# 🔔 **term**: what it means, up to the end of the paragraph, of the table's cell, or the next term
_TERM = re.compile(r"🔔 \*\*([^*\n]+)\*\*: (.+?)(?=\n\s*\n|\n[-*|#>]|\s*🔔|\s+\|\s|\Z)", re.DOTALL)

_INTRO = """# Glossary

Every term that a lesson marks with 🔔, from A to Z. The number leads to the lesson that introduces it.

[Start page](start.ipynb)
"""


@dataclass(frozen=True)
class Term:
    """A term as its lesson introduces it."""

    name: str
    meaning: str
    module: Module


def terms_in(sources: Iterable[str], module: Module) -> list[Term]:
    """The terms introduced in these Markdown texts, in order."""
    found = (match for source in sources for match in _TERM.finditer(source))
    return [Term(match[1].strip(), " ".join(match[2].split()), module) for match in found]


def all_terms(course: Sequence[Module]) -> list[Term]:
    """The terms of all lessons, from A to Z; where two lessons introduce one, the first does. Raises TextError."""
    terms: dict[str, Term] = {}
    for module in course:
        if "lesson" not in module.notebooks:
            continue
        cells = read_text(module.source("lesson"), needs_summary=True).cells
        for term in terms_in((cell.source for cell in cells if cell.cell_type == "markdown"), module):
            terms.setdefault(term.name.lower(), term)
    return [terms[name] for name in sorted(terms)]


def assemble_glossary(course: Sequence[Module]) -> NotebookNode:
    """The glossary as a notebook, one table row a term."""
    rows = ["| Term | What it means | Lesson |", "|---|---|---|"]
    for term in all_terms(course):
        link = f"[{term.module.number}]({term.module.name}/lesson.ipynb)"
        rows.append(f"| **{term.name}** | {term.meaning.replace('|', chr(92) + '|')} | {link} |")
    return new_notebook([markdown_cell(_INTRO), markdown_cell("\n".join(rows))], {"notebook": "glossary"})
