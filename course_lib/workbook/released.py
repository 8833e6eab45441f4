"""Where a notebook's released form comes from when a student asks: itself, its history in Git, or its module.

Students have no solutions. A release carries its own graded cells in its metadata; some places where people work
(Google Colab) drop that, so other copies are asked then.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.paths import project_root
from course_lib.workbook import pristine
from course_lib.workbook.alignment import align, grade_id
from course_lib.workbook.notebook_io import parse_notebook, read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

_REVISIONS = 20
_GIT_SECONDS = 20


class ReleaseLost(CourseError):
    """Nothing tells any more what this notebook was when it was released."""


@dataclass(frozen=True)
class Release:
    """A notebook as released: its graded cells, the course's metadata, and in words where that was found."""

    cells: list[pristine.PristineCell]
    course: dict[str, Any]
    found_in: str

    @property
    def is_quiz(self) -> bool:
        """True for a quiz, whose visible tests only say whether an answer can be graded."""
        return self.course.get("notebook") == "quiz"


def find_release(path: Path, notebook: NotebookNode, root: Path | None = None) -> Release:
    """What ``notebook``, read from ``path``, was when it was released. Raises ReleaseLost, saying what to do."""
    if (cells := pristine.read(notebook)) is not None:
        return Release(cells, notebook.metadata[pristine.KEY], "the notebook itself")
    best, most = None, 0
    for copy, where in _copies(path, root or project_root()):
        cells = pristine.read(copy) or []
        shared = _shared(cells, notebook)
        if shared > most:
            best, most = Release(cells, copy.metadata[pristine.KEY], where), shared
            if where.startswith("Git"):
                break
    if best is None:
        raise ReleaseLost(
            f"{path} no longer says which of its cells are tasks (Google Colab, for one, drops that), and no released "
            f"notebook like it was found in Git or below {(root or project_root()) / 'modules'}.\n"
            f"Copy your file over the one in your copy of the course, for example to "
            f"modules/01_intro/{path.name}, and check that one."
        )
    return best


def _copies(path: Path, root: Path) -> Iterator[tuple[NotebookNode, str]]:
    """Other copies of the same notebook, the likeliest first."""
    for copy in _history(path):
        yield copy, "Git's last released version"
    same_name = sorted((root / "modules").glob(f"*/{path.name}"))
    others = [p for p in sorted((root / "modules").glob("*/*.ipynb")) if p not in same_name]
    for other in (*same_name, *others):
        versions = [*_history(other)]
        with suppress(CourseError):  # broken, too? its history may do
            versions.append(read_notebook(other))
        for copy in versions:
            yield copy, f"modules/{other.parent.name}/{other.name}"


def _history(path: Path) -> Iterator[NotebookNode]:
    """The newest committed version of a file that is still a release; nothing where there is no Git."""
    folder, name = path.resolve().parent, path.name
    revisions = _git(folder, "log", f"-{_REVISIONS}", "--format=%H", "--", f"./{name}").split()
    for revision in revisions:
        text = _git(folder, "show", f"{revision}:./{name}")
        try:
            notebook = parse_notebook(text, path)
        except CourseError:
            continue
        if pristine.read(notebook) is not None:
            yield notebook
            return


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", errors="replace") if done.returncode == 0 else ""


def _shared(cells: list[pristine.PristineCell], notebook: NotebookNode) -> int:
    """How many released cells are found in the notebook: by their marks, or, where all are gone, otherwise."""
    marks = {grade_id(cell) for cell in notebook.cells} & {cell["grade_id"] for cell in cells}
    return len(marks) or len(align(cells, notebook).found)
