"""Write grades into nbgrader's gradebook and directories, so that formgrader, feedback and export go on working.

One process writes; a hand-in is in one transaction. What a person has entered, scores, comments, extra credit,
flags, is never touched. An ``infra_error`` leaves no trace: no submission, no score, nothing that reads as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from course_lib.grading.assignment import Assignment
from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.gradebook_files import write_files
from course_lib.grading.gradebook_nbgrader import NbgradersBook
from course_lib.grading.gradebook_rows import Rows
from course_lib.grading.outcome import INFRA_ERROR, SubmissionResult
from course_lib.grading.standing import Entries
from course_lib.grading.submissions import Submission


class Graded(NamedTuple):
    """A hand-in that was graded: ``before`` is what was known of it, ``release`` the folder of what students get."""

    result: SubmissionResult
    submission: Submission
    before: SubmissionResult | None
    release: Path | None


class Book:
    """The gradebook of one course, open for writing. Use as a context manager.

    What only nbgrader can do is left to nbgrader, which is imported when the first such thing turns up.
    """

    def __init__(self, folders: CourseFolders) -> None:
        self.folders = folders
        self._rows = Rows.open(folders)
        self._first = self._rows.writer() if self._rows else None
        self._nbgraders: NbgradersBook | None = None

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        if self._rows is not None:
            self._rows.close()
        if self._nbgraders is not None:
            self._nbgraders.close()

    @property
    def gradebook(self) -> Any:
        """nbgrader's own."""
        return self._nbgrader.gradebook

    @property
    def _nbgrader(self) -> NbgradersBook:
        if self._nbgraders is None:
            self._nbgraders = NbgradersBook(self.folders)
        return self._nbgraders

    def prepare(self, assignments: Iterable[Assignment]) -> None:
        """Make the gradebook know the modules' notebooks and cells as they are now."""
        assignments = list(assignments)
        if self._rows and all(self._rows.knows(assignment) for assignment in assignments):
            return
        self._nbgrader.prepare(assignments)
        self._rows = self._rows or Rows.open(self.folders)  # it may have been made just now
        self._first = self._rows.writer() if self._rows else None

    def has(self, module: str, student: str) -> bool:
        """Whether this hand-in has grades, and its autograded notebooks are there."""
        found = self._rows.has(module, student) if self._rows else self._nbgrader.has(module, student)
        return found and (self.folders.autograded / student / module).is_dir()

    def write(self, graded: Sequence[Graded]) -> None:
        """Put hand-ins' grades into the gradebook, and their notebooks into nbgrader's directories.

        First hand-ins are written together: what takes longest, by far, is that the disk says it has a transaction.
        """
        again = {}
        for one in graded:
            if one.result.status == INFRA_ERROR:
                raise ValueError("an infra_error has no grade to write")
            again[one.result.module, one.result.student] = one.before is not None and (
                one.before.content != one.result.content
            )
            write_files(self.folders, one.result, one.submission, one.release)
        results = [one.result for one in graded]
        for result in self._rows.add(self._first, results) if self._rows and self._first else results:
            self._nbgrader.write(result, again[result.module, result.student])

    def manual(self, modules: Iterable[str]) -> Entries:
        """What people have entered, as `standing.entries` has it."""
        return self._rows.manual(modules) if self._rows else self._nbgrader.manual(modules)
