"""The links between notebooks, and the start page's list of modules: made here, never typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from course_lib.workbook.modules import Module

MODULES_MARK = "<!-- modules -->"
_TITLES = {"lesson": "Lesson", "exercises": "Exercises", "quiz": "Quiz"}


@dataclass(frozen=True)
class Summary:
    """What the start page says of a module."""

    module: Module
    title: str
    summary: str
    minutes: Mapping[str, int]  # by notebook, for those whose text says how long they take


def navigation(module: Module, notebook: str, modules: Sequence[Module], title: Callable[[Module], str]) -> str:
    """One line of links as Markdown: previous module, start page, this module's notebooks, next module.

    Only modules and notebooks that exist are linked; ``title`` gives a module's name for readers.
    """
    place = list(modules).index(module)
    links = []
    if place > 0:
        links.append(_to_module("← ", modules[place - 1], title))
    links.append("[Start page](../start.ipynb)")
    links += [
        f"**{_TITLES[name]}**" if name == notebook else f"[{_TITLES[name]}]({name}.ipynb)" for name in module.notebooks
    ]
    if place + 1 < len(modules):
        links.append(_to_module("→ ", modules[place + 1], title))
    return " · ".join(links)


def module_list(summaries: Sequence[Summary]) -> str:
    """The start page's table: a row per module with what it is about, and links to its notebooks with their time."""
    rows = ["| | Module | What you will do |", "|---|---|---|"]
    for entry in summaries:
        links = " · ".join(_with_time(entry, name) for name in entry.module.notebooks)
        cells = (str(entry.module.number), f"**{entry.title}**<br>{links}", entry.summary)
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows)


def _with_time(entry: Summary, notebook: str) -> str:
    minutes = entry.minutes.get(notebook)
    return f"[{_TITLES[notebook]}]({entry.module.name}/{notebook}.ipynb)" + (f" {minutes}&nbsp;min" if minutes else "")


def _to_module(arrow: str, module: Module, title: Callable[[Module], str]) -> str:
    return f"[{arrow}{module.number}. {title(module)}](../{module.name}/{module.notebooks[0]}.ipynb)"
