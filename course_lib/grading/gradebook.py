"""Write grades into nbgrader's gradebook and directories, so that formgrader, feedback and export go on working.

One process writes; a hand-in is in one transaction. What a person has entered, scores, comments, extra credit,
flags, is never touched. An ``infra_error`` leaves no trace: no submission, no score, nothing that reads as 0.
"""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

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
from course_lib.grading.gradebook_rows import Rows
from course_lib.grading.outcome import INFRA_ERROR, NotebookResult, SubmissionResult
from course_lib.grading.quick_import import nbgrader_module
from course_lib.grading.records import write_whole
from course_lib.grading.standing import GRADES, Entries, entries
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
        self._nbgraders: _Nbgraders | None = None

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
    def _nbgrader(self) -> _Nbgraders:
        if self._nbgraders is None:
            self._nbgraders = _Nbgraders(self.folders)
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
            _write_files(self.folders, one.result, one.submission, one.release)
        results = [one.result for one in graded]
        for result in self._rows.add(self._first, results) if self._rows and self._first else results:
            self._nbgrader.write(result, again[result.module, result.student])

    def manual(self, modules: Iterable[str]) -> Entries:
        """What people have entered, as `standing.entries` has it."""
        return self._rows.manual(modules) if self._rows else self._nbgrader.manual(modules)


class _Nbgraders:
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


def _write_files(
    folders: CourseFolders, result: SubmissionResult, submission: Submission, release: Path | None
) -> None:
    submitted = folders.submitted / result.student / result.module
    autograded = folders.autograded / result.student / result.module
    if autograded.exists():
        shutil.rmtree(autograded)
    autograded.mkdir(parents=True)
    for path in sorted(release.rglob("*")) if release else []:
        if path.is_file() and path.suffix != ".ipynb":
            copy = autograded / path.relative_to(release)  # type: ignore[arg-type]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    if result.timestamp:
        write_whole(autograded / "timestamp.txt", result.timestamp + "\n")
        write_whole(submitted / "timestamp.txt", result.timestamp + "\n")
    for name, file in submission.files.items():
        target = submitted / f"{name}.ipynb"
        if file.content and not (target.is_file() and target.read_bytes() == file.content):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
    for notebook in result.notebooks:
        write_whole(autograded / f"{notebook.name}.ipynb", notebook.document or "")


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
    texts = [path.read_text(encoding="utf-8") for path in (nbgrader_folder / "alembic" / "versions").glob("*.py")]
    versions = {match[1] for text in texts if (match := re.search(r"^revision\b.*?= *['\"](\w+)", text, re.M))}
    followed = {match[1] for text in texts if (match := re.search(r"^down_revision\b.*?= *['\"](\w+)", text, re.M))}
    (newest,) = versions - followed
    return newest
