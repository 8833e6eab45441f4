"""The links between notebooks, and the start page's list of modules: made here, never typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    minutes: int | None


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
    """The start page's table: a row per module with links to its notebooks, what it is about, and the time."""
    rows = ["| | Module | What you will do | Time |", "|---|---|---|---|"]
    for entry in summaries:
        module = entry.module
        links = " · ".join(f"[{_TITLES[name]}]({module.name}/{name}.ipynb)" for name in module.notebooks)
        time = f"{entry.minutes} min" if entry.minutes else ""
        cells = (str(module.number), f"**{entry.title}**<br>{links}", entry.summary, time)
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows)


def _to_module(arrow: str, module: Module, title: Callable[[Module], str]) -> str:
    return f"[{arrow}{module.number}. {title(module)}](../{module.name}/{module.notebooks[0]}.ipynb)"
