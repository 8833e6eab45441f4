"""What the gradebook holds at the moment, read without nbgrader, whose import takes longer than all else here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.gradebook_address import sqlite_file
from course_lib.grading.gradebook_database import open_database

_SUBMISSIONS = "SELECT a.name, s.student_id FROM submitted_assignment s JOIN assignment a ON s.assignment_id = a.id"
GRADES = (
    "SELECT a.name, s.student_id, n.name, c.name, g.manual_score, g.extra_credit, g.needs_manual_grade FROM grade g "
    "JOIN base_cell c ON g.cell_id = c.id JOIN submitted_notebook sn ON g.notebook_id = sn.id "
    "JOIN notebook n ON sn.notebook_id = n.id JOIN submitted_assignment s ON sn.assignment_id = s.id "
    "JOIN assignment a ON s.assignment_id = a.id"
)

Entries = dict[tuple[str, str, str], dict[str, tuple[float | None, bool]]]


@dataclass
class Standing:
    """``graded`` are pairs of module and student; ``manual`` is what people have entered, as `entries` has it."""

    graded: set[tuple[str, str]] = field(default_factory=set)
    manual: Entries = field(default_factory=dict)

    def has(self, folders: CourseFolders, module: str, student: str) -> bool:
        """Whether this hand-in has grades, and its autograded notebooks are there."""
        return (module, student) in self.graded and (folders.autograded / student / module).is_dir()


def standing(folders: CourseFolders, modules: Iterable[str]) -> Standing | None:
    """How things stand; None where only nbgrader can tell (another kind of database, or of another version).

    Raises GradebookError where a server can't be reached.
    """
    file = sqlite_file(folders.db_url)
    if file is not None and not file.is_file():
        return Standing()
    try:
        if (database := open_database(folders, reads_only=True)) is None:
            return None
        with closing(database):
            graded = {(module, student) for module, student in database.rows(_SUBMISSIONS)}
            return Standing(graded, entries(database.rows(GRADES), modules))
    except sqlite3.Error:
        return None


def entries(rows: Iterable[Any], modules: Iterable[str]) -> Entries:
    """What people have entered: by (module, student, notebook), each cell's score and whether one is due."""
    wanted = set(modules)
    found: Entries = {}
    for module, student, notebook, cell, score, extra, due in rows:
        if module in wanted:
            given = None if score is None else score + (extra or 0.0)
            found.setdefault((module, student, notebook), {})[cell] = (given, bool(due))
    return found
