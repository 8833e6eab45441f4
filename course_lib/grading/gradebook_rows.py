"""A gradebook in SQLite or PostgreSQL read and written by its rows, for the one thing that a class does hundreds of
times: a first hand-in. Importing nbgrader and its database library takes as long as grading several students.

Only where the gradebook is of the version that these rows are for and knows the notebooks as they are; whatever else
there is to do, `gradebook` leaves to nbgrader.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from course_lib.grading.assignment import Assignment, Cell
from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.gradebook_database import Database, open_database
from course_lib.grading.gradebook_new import KnownNotebook, NewEntries
from course_lib.grading.outcome import SubmissionResult
from course_lib.grading.standing import GRADES, Entries, entries

_TIMES = ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC")
_NOTEBOOKS = (
    "SELECT n.name, n.id, n.kernelspec FROM notebook n JOIN assignment a ON n.assignment_id = a.id WHERE a.name = ?"
)
_CELLS = "SELECT c.name, c.id{} FROM {} k JOIN base_cell c ON k.id = c.id WHERE c.notebook_id = ?"
_WORTH = ", k.max_score, k.cell_type"
_SOURCES = "SELECT name, cell_type, locked, source, checksum FROM source_cell WHERE notebook_id = ?"
_ENTRY = (
    "SELECT 1 FROM submitted_assignment s JOIN assignment a ON s.assignment_id = a.id "
    "WHERE a.name = ? AND s.student_id = ?"
)


class Rows:
    """One gradebook's rows. The connection is closed by ``close``."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, folders: CourseFolders) -> Rows | None:
        """None where only nbgrader can: there is no gradebook yet, or it is another database or version."""
        database = open_database(folders)
        return cls(database) if database is not None else None

    def close(self) -> None:
        self.database.close()

    def knows(self, assignment: Assignment) -> bool:
        """Whether the gradebook's cells are those of the notebook."""
        notebooks = {name: row for name, *row in self.database.rows(_NOTEBOOKS, [assignment.module])}
        if assignment.name not in notebooks:
            return False
        number, kernelspec = notebooks[assignment.name]
        cells = [cell for cell in assignment.cells if cell.grade_id]
        graded = {c.name: (c.points, c.cell_type) for c in cells if c.entry.get("grade")}
        tasks = {c.name: (c.points, c.cell_type) for c in cells if c.entry.get("task")}
        sources = {row[0]: row[1:] for row in self.database.rows(_SOURCES, [number])}
        return (
            kernelspec == json.dumps(assignment.metadata.get("kernelspec", {}))
            and self._worth("grade_cells", number) == graded
            and self._worth("task_cells", number) == tasks
            and {name for name, _ in self._cells("solution_cells", number)}
            == {c.name for c in cells if c.entry.get("solution")}
            and sources == {c.name: (c.cell_type, is_locked(c), c.source, checksum(c)) for c in cells}
        )

    def _cells(self, kind: str, notebook: str) -> list[tuple[str, str]]:
        return list(self.database.rows(_CELLS.format("", kind), [notebook]))

    def _worth(self, kind: str, notebook: str) -> dict[str, tuple[float, str]]:
        found = self.database.rows(_CELLS.format(_WORTH, kind), [notebook])
        return {name: (worth, cell_type) for name, _, worth, cell_type in found}

    def has(self, module: str, student: str) -> bool:
        """Whether there is an entry for this hand-in."""
        return bool(list(self.database.rows(_ENTRY, [module, student])))

    def manual(self, modules: Iterable[str]) -> Entries:
        """What people have entered, as `standing.entries` has it."""
        return entries(self.database.rows(GRADES), modules)

    def writer(self) -> NewEntries:
        """Writes first hand-ins, as long as nobody changes the cells."""
        return NewEntries(self._known, self._has_student, self.database.insert)

    def add(self, writer: NewEntries, results: Iterable[SubmissionResult]) -> list[SubmissionResult]:
        """Write first hand-ins, all of them or none. Returns the others: there is an entry already, or a due date that
        it may have missed, or its time is written in a way that only nbgrader may know."""
        others: list[SubmissionResult] = []

        def act() -> None:
            others.clear()
            for result in results:
                if self._is_first(result):
                    writer.write(result, _utc(result.timestamp) if result.timestamp else None)
                else:
                    others.append(result)

        self.database.together(act)
        return others

    def _is_first(self, result: SubmissionResult) -> bool:
        if result.timestamp and (not _utc(result.timestamp) or self._is_due(result.module)):
            return False
        return not self.has(result.module, result.student)

    def _is_due(self, module: str) -> bool:
        due = list(self.database.rows("SELECT duedate FROM assignment WHERE name = ?", [module]))
        return not due or due[0][0] is not None

    def _known(self, module: str) -> tuple[str, dict[str, KnownNotebook]]:
        ((assignment,),) = self.database.rows("SELECT id FROM assignment WHERE name = ?", [module])
        notebooks = {}
        for name, number, _ in list(self.database.rows(_NOTEBOOKS, [module])):
            graded, solved, tasks = (self._cells(f"{kind}_cells", number) for kind in ("grade", "solution", "task"))
            notebooks[name] = KnownNotebook(number, _places(graded, tasks), _places(solved, tasks))
        return assignment, notebooks

    def _has_student(self, student: str) -> bool:
        return bool(list(self.database.rows("SELECT 1 FROM student WHERE id = ?", [student])))


def _places(*kinds: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(number, name) for cells in kinds for name, number in cells]


def _utc(text: str) -> datetime | None:
    for form in _TIMES:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return None


def is_locked(cell: Cell) -> bool:
    """Whether nbgrader overwrites what a student makes of this cell, as its ``utils.is_locked`` says."""
    entry = cell.entry
    return not entry.get("solution") and bool(entry.get("grade") or entry.get("locked", False))


def checksum(cell: Cell) -> str:
    """The cell's checksum, as nbgrader's ``utils.compute_checksum`` makes it."""
    entry = cell.entry
    graded, solution = entry.get("grade", False), entry.get("solution", False)
    locked = False if solution else True if graded else entry.get("locked", False)
    parts = [cell.source, cell.cell_type, graded, solution, locked, cell.name]
    if graded:
        parts.append(float(entry["points"]))
    return hashlib.md5("".join(str(part) for part in parts).encode(), usedforsecurity=False).hexdigest()
