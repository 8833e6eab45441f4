"""The gradebook through nbgrader itself, for what no statement of ours does (see `gradebook_rows`).

Importing nbgrader takes longer than all else that grading a class does once, so this comes last.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib import schema_versions
from course_lib.grading.assignment import Assignment
from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.gradebook_address import checked, in_words, sqlite_file
from course_lib.grading.gradebook_new import (
    NO_RESPONSE,
    Known,
    KnownNotebook,
    NewEntries,
    check_notebooks,
    machine_points,
)
from course_lib.grading.outcome import NotebookResult, SubmissionResult
from course_lib.grading.quick_import import nbgrader_module
from course_lib.grading.standing import GRADES, Entries, entries


class NbgradersBook:
    """nbgrader's gradebook, with all that it takes to open it."""

    def __init__(self, folders: CourseFolders) -> None:
        self.api, self.utils = nbgrader_module("nbgrader.api"), nbgrader_module("nbgrader.utils")
        self._quiet = _quiet()
        self._quiet.__enter__()
        self.folders = folders
        if (file := sqlite_file(folders.db_url)) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        with in_words(folders.db_url, ImportError), _known_version(self.api):
            self.gradebook = self.api.Gradebook(checked(folders.db_url), folders.course_id)
        self.db = self.gradebook.db
        self._names: dict[str, str] = {}
        self._new = NewEntries(self._known, self._has_student, self._insert)

    def close(self) -> None:
        self.gradebook.close()
        self._quiet.__exit__(None, None, None)

    def prepare(self, assignments: Iterable[Assignment]) -> None:
        with in_words(self.folders.db_url):
            self._prepare(assignments)

    def _prepare(self, assignments: Iterable[Assignment]) -> None:
        from course_lib.grading.gradebook_cells import update_cells

        for assignment in assignments:
            self._names |= update_cells(self.gradebook, self.api, assignment)

    def has(self, module: str, student: str) -> bool:
        """Whether there is an entry for this hand-in."""
        try:
            self.gradebook.find_submission(module, student)
        except self.api.MissingEntry:
            return False
        return True

    def manual(self, modules: Iterable[str]) -> Entries:
        from sqlalchemy import text

        return entries(self.db.execute(text(GRADES)), modules)

    def write(self, result: SubmissionResult, again: bool) -> None:
        """Put one hand-in's grades into the gradebook, in one transaction."""
        with in_words(self.folders.db_url):
            self._write(result, again)

    def _write(self, result: SubmissionResult, again: bool) -> None:
        timestamp = self.utils.parse_utc(result.timestamp) if result.timestamp else None
        try:
            row = self.gradebook.find_submission(result.module, result.student)
        except self.api.MissingEntry:
            row = None
            self._new.write(result, timestamp)
        else:
            self._update(row, result, timestamp, again)
        self.db.commit()
        if timestamp is not None:
            row = row or self.gradebook.find_submission(result.module, result.student)
            if row.total_seconds_late > 0:
                self._write_penalties(row)

    def _known(self, module: str) -> Known:
        assignment = self.gradebook.find_assignment(module)
        notebooks = {
            notebook.name: KnownNotebook(
                notebook.id,
                _cells(notebook.grade_cells, notebook.task_cells),
                _cells(notebook.solution_cells, notebook.task_cells),
            )
            for notebook in assignment.notebooks
        }
        return assignment.id, notebooks

    def _has_student(self, student: str) -> bool:
        return self.db.get(self.api.Student, student) is not None

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        self.db.execute(self.api.Base.metadata.tables[table].insert(), rows)

    def _update(self, row: Any, result: SubmissionResult, timestamp: Any, again: bool) -> None:
        if timestamp is not None:
            row.timestamp = timestamp
        notebooks = {notebook.name: notebook for notebook in row.notebooks}
        check_notebooks(result, notebooks)
        for notebook in result.notebooks:
            self._write_notebook(notebooks[notebook.name], notebook, again)

    def _write_notebook(self, row: Any, result: NotebookResult, again: bool) -> None:
        points, unanswered = machine_points(result), set(result.unanswered)
        for grade in row.grades:
            name = self._name(grade)
            score = points.get(name)
            changed = again or grade.auto_score != score
            due = (score is None and grade.manual_score is None) or name in result.needs_review
            kept = grade.manual_score is not None and (bool(grade.needs_manual_grade) or changed)
            grade.auto_score, grade.needs_manual_grade = score, due or kept
        for comment in row.comments:
            comment.auto_comment = NO_RESPONSE if self._name(comment) in unanswered else None

    def _name(self, row: Any) -> str:
        if row.cell_id not in self._names:
            self._names[row.cell_id] = row.name
        return self._names[row.cell_id]

    def _write_penalties(self, row: Any) -> None:
        """As nbgrader does it, with the plugin that the course's settings name."""
        steps = nbgrader_module("nbgrader.preprocessors")
        step = steps.AssignLatePenalties(config=self.folders.config)
        step.init_plugin()
        for notebook in row.notebooks:
            notebook.late_submission_penalty = None
            penalty = step.plugin_inst.late_submission_penalty(row.student_id, notebook.score, row.total_seconds_late)
            if penalty is not None:
                notebook.late_submission_penalty = step._check_late_penalty(notebook, penalty)
        self.db.commit()


def _cells(*kinds: Iterable[Any]) -> list[tuple[str, str]]:
    return [(cell.id, cell.name) for cells in kinds for cell in cells]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what SQLAlchemy has to say to nbgrader's authors."""
    from sqlalchemy.exc import SAWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


@contextmanager
def _known_version(api: Any) -> Iterator[None]:
    """A new gradebook notes the version of its tables. nbgrader asks the program ``alembic`` for it, which has to be
    on the path and takes a second or more; the same answer stands in nbgrader's own files."""
    asked, api.get_alembic_version = api.get_alembic_version, lambda: newest_version(Path(api.__file__).parent)
    try:
        yield
    finally:
        api.get_alembic_version = asked


def newest_version(nbgrader_folder: Path) -> str:
    """The version of the gradebook's tables that no other version follows."""
    return schema_versions.newest_first(nbgrader_folder / "alembic" / "versions")[0]
