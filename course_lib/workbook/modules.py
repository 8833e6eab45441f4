"""Which modules there are, where their files lie, and what a name given on the command line means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import UsageError
from course_lib.paths import project_root

NOTEBOOKS = ("lesson", "exercises", "quiz")
SOURCES = {"lesson": "lesson.md", "exercises": "exercises.md", "quiz": "quiz.yml"}
_NAME = re.compile(r"\d\d_[a-z0-9_]+")


class UnknownModule(UsageError):
    """No module has this name."""


@dataclass(frozen=True)
class Module:
    """One module of the workbook: its text in ``solutions/<name>``, its release in ``modules/<name>``."""

    root: Path
    name: str

    @property
    def number(self) -> int:
        """Its place in the course, from 1."""
        return int(self.name[:2])

    @property
    def solutions(self) -> Path:
        """What authors write, and the solution notebooks built from it."""
        return self.root / "solutions" / self.name

    @property
    def release(self) -> Path:
        """What students open."""
        return self.root / "modules" / self.name

    @property
    def notebooks(self) -> list[str]:
        """Those of lesson, exercises and quiz whose text exists, in this order."""
        return [name for name in NOTEBOOKS if self.source(name).is_file()]

    def source(self, notebook: str) -> Path:
        """The author's text of one notebook."""
        return self.solutions / SOURCES[notebook]

    def solution(self, notebook: str) -> Path:
        """The built solution notebook."""
        return self.solutions / f"{notebook}.ipynb"

    def released(self, notebook: str) -> Path:
        """The built notebook that students open."""
        return self.release / f"{notebook}.ipynb"


def all_modules(root: Path | None = None) -> list[Module]:
    """Every module that has text, in the order of their numbers."""
    root = root or project_root()
    names = sorted(path.name for path in (root / "solutions").glob("*/") if _NAME.fullmatch(path.name))
    return [module for module in (Module(root, name) for name in names) if module.notebooks]


def find_modules(names: Iterable[str] = (), root: Path | None = None) -> list[Module]:
    """The modules named, in course order, each once; all of them when none is named.

    A name may be short (``01``, ``intro``) or a folder (``solutions/01_intro/``). Raises UnknownModule, which
    suggests the nearest name.
    """
    modules = all_modules(root)
    wanted = {_find(name, modules) for name in names}
    return [module for module in modules if not wanted or module in wanted]


def _find(name: str, modules: list[Module]) -> Module:
    short = Path(name).name
    matching = [m for m in modules if m.name == short] or [
        m for m in modules if short and (m.name.startswith(f"{short.zfill(2)}_") or m.name[3:] == short)
    ]
    if len(matching) == 1:
        return matching[0]
    names = [module.name for module in modules]
    near = difflib.get_close_matches(short.lower(), names, n=1, cutoff=0.5)
    near = near or [n for n in names for part in difflib.get_close_matches(short.lower(), [n[3:]], cutoff=0.5) if part]
    if not names:
        raise UnknownModule(f"there is no module “{name}”: {modules_folder_hint()}")
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UnknownModule(f"there is no module “{name}”. {hint}Modules: {', '.join(names)}.")


def modules_folder_hint() -> str:
    """What to say when there is no module at all."""
    return "solutions/ holds no folder like 01_intro with a lesson.md, an exercises.md or a quiz.yml."
