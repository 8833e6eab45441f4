"""Notebooks as they are read: no line of links of their own, figures that say what they show, tests folded away."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.workbook.notebook_io import read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

_NAVIGATION = re.compile(r"(?:[^\n]* · )?\[Start page\]\((?:\.\./)?start\.ipynb\)[^\n]*\s*\Z")
_NOTEBOOK_LINK = re.compile(r"\]\(((?:\.\./)*(?:\w+/)?)(\w+)\.ipynb(#[^)\s]*)?\)")
_TERM = re.compile(r"🔔 \*\*([^*\n]+)\*\*(?=: \S)")
_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
# what a linked notebook is called among the prepared sources
_FILES = {"start": "index.ipynb", "quiz": "quiz.md", "glossary": "glossary.md"}


def read(path: Path) -> NotebookNode:
    """A notebook without its line of links, the other links leading to pages of the site. Errors as `read_notebook`."""
    notebook = read_notebook(path)
    cells = [cell for cell in notebook.cells if not (cell.cell_type == "markdown" and is_navigation(cell.source))]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = to_pages(cell.source)
    notebook.cells = cells
    return notebook


def is_navigation(source: str) -> bool:
    """Whether a cell is nothing but the line of links that `navigation` makes."""
    return bool(_NAVIGATION.match(source))


def to_pages(source: str) -> str:
    """Links between notebooks as links between the site's sources."""
    return _NOTEBOOK_LINK.sub(lambda m: f"]({m[1]}{_FILES.get(m[2], m[2] + '.ipynb')}{m[3] or ''})", source)


def title(notebook: NotebookNode, otherwise: str) -> str:
    """The first heading of the first rank, as text."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = next((match for text in texts if (match := _HEADING.search(text))), None)
    return found[1].strip() if found else otherwise


def anchor(term: str) -> str:
    """The anchor of a term, on the page that introduces it and in the glossary."""
    return "term-" + re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def lesson(notebook: NotebookNode) -> NotebookNode:
    """A lesson: each term an anchor, each figure with its alternative text."""
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _TERM.sub(lambda match: _anchored(match, seen), cell.source)
        elif alt := _alternative(cell):
            cell.metadata["mystnb"] = {"image": {"alt": alt}}
    return notebook


def exercises(notebook: NotebookNode, file: str) -> NotebookNode:
    """Exercises: the tests folded, and a word on where they are solved (``file``)."""
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and mark.get("grade") and mark.get("locked"):
            _fold(cell, "Show the test", "Fold the test")
    where = f"Solve them in JupyterLab, where a test tells at once what is wrong: `make lab`, then `{file}`."
    insert_after_title(notebook, note(where))
    return notebook


def note(text: str) -> str:
    """A box beside the text."""
    return f":::{{note}}\n{text}\n:::"


def insert_after_title(notebook: NotebookNode, text: str) -> None:
    """Put Markdown right below the first heading."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (match := _HEADING.search(cell.source)):
            cell.source = f"{cell.source[: match.end()]}\n\n{text}\n{cell.source[match.end() :]}"
            return


def _alternative(cell: NotebookNode) -> str:
    """What a cell's figure shows: the cell's option “alt”, else the output's own words; empty when nobody said."""
    own = (output.get("metadata", {}).get("image/png", {}).get("alt") for output in cell.get("outputs", []))
    return str(cell.metadata.get("alt") or next((text for text in own if text), ""))


def _anchored(match: re.Match[str], seen: set[str]) -> str:
    name = anchor(match[1])
    if name in seen:
        return match[0]
    seen.add(name)
    return f"[🔔 **{match[1]}**]{{#{name}}}"


def _fold(cell: NotebookNode, show: str, hide: str) -> None:
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
    cell.metadata["mystnb"] = {"code_prompt_show": show, "code_prompt_hide": hide}
