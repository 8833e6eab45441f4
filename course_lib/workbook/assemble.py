"""Put a notebook together from its text: cells, navigation, metadata; not executed yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.workbook.canonical import markdown_cell, new_notebook
from course_lib.workbook.modules import Module
from course_lib.workbook.navigation import MODULES_MARK, Summary, module_list, navigation
from course_lib.workbook.text import TextError, read_header, read_text

if TYPE_CHECKING:
    from nbformat import NotebookNode


def assemble(module: Module, notebook: str, modules: Sequence[Module]) -> NotebookNode:
    """One solution notebook as its text gives it; ``modules`` is the whole course, for the links.

    Raises TextError or QuizError when the text is wrong.
    """
    source = module.source(notebook)
    if notebook == "quiz":
        from course_lib.workbook.quiz import read_quiz
        from course_lib.workbook.quiz_cells import quiz_cells

        cells = quiz_cells(read_quiz(source))
    else:
        cells = read_text(source, needs_summary=notebook == "lesson").cells
    links = navigation(module, notebook, modules, module_title)
    framed = [markdown_cell(links), *cells, markdown_cell("---\n\n" + links)]
    return new_notebook(framed, {"module": module.name, "notebook": notebook})


def assemble_start(text: Path, modules: Sequence[Module]) -> NotebookNode:
    """The start page: its text, with the list of modules at the mark ``<!-- modules -->``.

    Raises TextError, also when the mark is missing.
    """
    cells = read_text(text).cells
    marked = [cell for cell in cells if MODULES_MARK in cell.source]
    if not marked:
        raise TextError(text, [(1, f"no place for the list of modules: put {MODULES_MARK} on a line of its own")])
    table = module_list([summary(module) for module in modules])
    for cell in marked:
        cell.source = cell.source.replace(MODULES_MARK, table)
    return new_notebook(cells, {"notebook": "start"})


def module_title(module: Module) -> str:
    """A module's name for readers: the title of its first notebook, or else its folder's name in words."""
    return summary(module).title


def summary(module: Module) -> Summary:
    """What the headers of a module's text say about it."""
    headers = {n: read_header(module.source(n)) for n in ("lesson", "exercises") if n in module.notebooks}
    first = next(iter(headers.values()), {})
    title = str(first.get("title") or module.name[3:].replace("_", " ").capitalize())
    minutes = {name: m for name, header in headers.items() if isinstance(m := header.get("minutes"), int)}
    return Summary(module, title, str(first.get("summary") or ""), minutes)
