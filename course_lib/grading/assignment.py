"""The instructor's side of one notebook: what students answer, what tests them, and what it is worth.

Grading starts from the built solution notebook, which holds everything. Its answers are dropped here, as
nbgrader drops them for the release; its hidden tests are kept, and never leave the grader.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib import mlflow_database
from course_lib.errors import CourseError
from course_lib.grading.sourcecode import bound_names, imported_modules, without_regions, words

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"

PLAIN, TEXT, ANSWER, TEST, WRITTEN = "plain", "text", "answer", "test", "written"


class AssignmentError(CourseError):
    """The instructor's notebook cannot be graded from."""


@dataclass(frozen=True)
class Cell:
    """One cell of the instructor's notebook.

    ``source`` is complete but for the answers, ``released`` is what students were given, ``solution`` what the
    instructor wrote. ``points`` is what a graded cell is worth. ``entry`` is its nbgrader metadata.
    """

    kind: str
    cell_type: str
    id: str
    source: str
    released: str
    solution: str
    metadata: dict[str, Any]
    grade_id: str | None = None
    points: float = 0.0

    @property
    def entry(self) -> dict[str, Any]:
        return self.metadata.get("nbgrader", {})

    @property
    def name(self) -> str:
        """How reports call it."""
        return self.grade_id or self.id

    @property
    def task(self) -> str:
        """The task that a test belongs to: the grade id up to ``-test``."""
        return (self.grade_id or "").partition("-test")[0]

    @functools.cached_property
    def hidden_lines(self) -> set[int]:
        """The numbers, from 1, of the lines of a test that students don't see."""
        numbers, hidden = set(), False
        for number, line in enumerate(self.source.split("\n"), 1):
            hidden = (hidden or "BEGIN HIDDEN TESTS" in line) and True
            if hidden:
                numbers.add(number)
            hidden = hidden and "END HIDDEN TESTS" not in line
        return numbers


@dataclass(frozen=True)
class Assignment:
    """One notebook of a module, as the instructor has it."""

    module: str
    name: str
    cells: list[Cell]
    metadata: dict[str, Any]
    answer_names: frozenset[str] = field(default_factory=frozenset)
    modules: frozenset[str] = field(default_factory=frozenset)

    @property
    def tests(self) -> list[Cell]:
        """The cells that are graded by running them."""
        return [cell for cell in self.cells if cell.kind == TEST]

    @property
    def graded(self) -> list[Cell]:
        """The cells that carry points, those graded by hand included."""
        return [cell for cell in self.cells if _is_graded(cell)]

    @property
    def points(self) -> float:
        return sum(cell.points for cell in self.graded)

    @property
    def to_import(self) -> list[str]:
        """The modules that the cells import that are run for grading, the last graded one included."""
        code = [cell for cell in self.cells if cell.cell_type == "code"]
        last = max((n for n, cell in enumerate(code) if cell.kind in (TEST, WRITTEN)), default=-1)
        return sorted({name for cell in code[: last + 1] for name in imported_modules(cell.solution)})

    @functools.cached_property
    def uses_mlflow(self) -> bool:
        """Whether the cells that are run for grading import MLflow."""
        return mlflow_database.used_by(self.to_import)

    @property
    def digest(self) -> str:
        """Changes when anything changes that a grade depends on."""
        cells = [(c.kind, c.cell_type, c.source, c.solution, c.grade_id, c.points) for c in self.cells]
        return hashlib.sha256(json.dumps([self.module, self.name, cells]).encode()).hexdigest()

    def answers_to(self, test: Cell) -> list[Cell]:
        """The answer cells that a test is about: those that define a name that it mentions."""
        names = set(self.names_read_by(test))
        return [c for c in self.cells if c.kind == ANSWER and names & bound_names(c.solution)]

    def names_read_by(self, cell: Cell) -> list[str]:
        """Those of the students' names that a test or an instructor's cell mentions, also in quotes."""
        return sorted(self.answer_names & words(cell.source))


def load(path: Path, module: str) -> Assignment | None:
    """Read a built solution notebook; None when nothing in it is graded. Raises AssignmentError when there is none or
    it cannot be used."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [_cell(raw, path) for raw in notebook["cells"]]
    except FileNotFoundError as error:
        raise AssignmentError(f"there is no {path}. `course build {module}` makes it from its text.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AssignmentError(f"cannot read {path} ({error!r}). `course build {module}` makes it anew.") from error
    _check_ids(cells, path)
    if not any(_is_graded(cell) for cell in cells):
        return None
    answers = [cell for cell in cells if cell.kind == ANSWER or (cell.kind == WRITTEN and cell.cell_type == "code")]
    code = [cell for cell in cells if cell.cell_type == "code"]
    return Assignment(
        module,
        path.stem,
        cells,
        notebook.get("metadata", {}),
        frozenset(name for cell in answers for name in bound_names(cell.solution)),
        frozenset(name for cell in code for name in imported_modules(cell.solution)),
    )


def load_module(folder: Path) -> list[Assignment]:
    """The notebooks of one module that have something to grade, by name. Raises AssignmentError if there is none."""
    loaded = (load(path, folder.name) for path in sorted(folder.glob("*.ipynb")))
    graded = [assignment for assignment in loaded if assignment is not None]
    if not graded:
        raise AssignmentError(
            f"{folder} holds no built notebook with graded cells. `course build {folder.name}` makes them."
        )
    return graded


def _is_graded(cell: Cell) -> bool:
    return bool(cell.kind == TEST or cell.entry.get("grade") or cell.entry.get("task"))


def source_of(raw: dict[str, Any]) -> str:
    """A cell's text, whether its file keeps it as one string or as lines."""
    source = raw.get("source", "")
    return "".join(source) if isinstance(source, list) else source


def _cell(raw: dict[str, Any], path: Path) -> Cell:
    source, metadata = source_of(raw), dict(raw.get("metadata", {}))
    entry, kind = metadata.get("nbgrader") or {}, raw["cell_type"]
    own_stub = metadata.pop("course", {}).get("stub")
    role = _role(kind, entry)
    empty = source
    if entry.get("solution"):
        stub = own_stub or (CODE_STUB if kind == "code" else TEXT_STUB)
        empty = without_regions(source, "SOLUTION", stub) if "BEGIN SOLUTION" in source else stub
    released = without_regions(without_regions(empty, "HIDDEN TESTS"), "MARK SCHEME")
    points = entry.get("points", 0) if entry.get("grade") or entry.get("task") else 0
    try:
        worth = float(points)
    except (TypeError, ValueError) as error:
        raise AssignmentError(f"{path}: the cell {entry.get('grade_id')} is worth {points!r} points") from error
    return Cell(role, kind, str(raw.get("id", "")), empty, released, source, metadata, entry.get("grade_id"), worth)


def _role(kind: str, entry: dict[str, Any]) -> str:
    if entry.get("solution"):
        return WRITTEN if entry.get("grade") or kind != "code" else ANSWER
    if entry.get("grade") and kind == "code":
        return TEST
    return PLAIN if kind == "code" else TEXT


def _check_ids(cells: list[Cell], path: Path) -> None:
    seen: set[str] = set()
    for cell in cells:
        if cell.grade_id in seen:
            raise AssignmentError(f"{path}: the grade id {cell.grade_id} is used twice. `course build` says where.")
        if cell.grade_id:
            seen.add(cell.grade_id)
