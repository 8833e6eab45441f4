"""Which pages the site has, in reading order, and from which file each is made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.workbook.modules import NOTEBOOKS, Module

_MODULE = re.compile(r"\d\d_[a-z0-9_]+")
KINDS = {"lesson": "Lesson", "exercises": "Exercises", "quiz": "Quiz", "capstone": "Capstone"}


@dataclass(frozen=True)
class Page:
    """One page: its name on the site without an ending, what it is, and the file it is made from."""

    name: str  # "01_intro/lesson"
    kind: str  # lesson, exercises, quiz, capstone, start, glossary
    source: Path
    module: Module | None = None

    @property
    def file(self) -> str:
        """Its file among the prepared sources: notebooks stay notebooks, the others are Markdown."""
        return self.name + (".ipynb" if self.kind in ("lesson", "exercises", "start") else ".md")


@dataclass(frozen=True)
class Contents:
    """Everything that there is to read in one checkout."""

    root: Path
    modules: tuple[Module, ...]
    pages: tuple[Page, ...]

    def of(self, module: Module) -> list[Page]:
        """One module's pages, in reading order."""
        return [page for page in self.pages if page.module == module]

    @property
    def lessons(self) -> list[Page]:
        """The lessons, in course order."""
        return [page for page in self.pages if page.kind == "lesson"]

    @property
    def missing(self) -> list[str]:
        """What this checkout cannot show, each as a sentence for its reader."""
        bare = [page.module.name for page in self.lessons if page.source == page.module.released("lesson")]
        if not bare:
            return []
        where = "solutions/ is not here" if len(bare) == len(self.lessons) else f"no solutions of {', '.join(bare)}"
        return [f"{where}: lessons come from modules/, without outputs, and quizzes without practice questions."]


def contents(root: Path) -> Contents:
    """What a checkout has to read. Raises CourseError when there is no module at all."""
    modules = [Module(root, name) for name in _module_names(root)]
    pages = [page for module in modules for page in _pages(module)]
    if not pages:
        raise CourseError(
            f"there is nothing to read in {root}: it has no notebook like modules/01_intro/lesson.ipynb. "
            "`course build` makes them from their text."
        )
    start = _first(root / "modules" / "start.ipynb", root / "solutions" / "start.ipynb")
    if start is None:
        raise CourseError(f"{root / 'modules' / 'start.ipynb'} is missing; `course build` makes it.")
    first = Page("index", "start", start)
    return Contents(root, tuple(modules), (first, *pages, Page("glossary", "glossary", root / "modules")))


def _module_names(root: Path) -> list[str]:
    found = {path.name for folder in ("modules", "solutions") for path in (root / folder).glob("*/")}
    return sorted(name for name in found if _MODULE.fullmatch(name))


def _pages(module: Module) -> Iterable[Page]:
    for kind in NOTEBOOKS:
        # lessons show what came out; exercises and quizzes are what students get, so that no answer can be in them
        released = module.released(kind)
        source = _first(module.solution(kind), released) if kind == "lesson" else _first(released)
        if source is not None:
            yield Page(f"{module.name}/{kind}", kind, source, module)
    task = _first(module.release / "capstone" / "TASK.md", module.solutions / "capstone" / "starter" / "TASK.md")
    if task is not None:
        yield Page(f"{module.name}/capstone", "capstone", task, module)


def _first(*paths: Path) -> Path | None:
    return next((path for path in paths if path.is_file()), None)
