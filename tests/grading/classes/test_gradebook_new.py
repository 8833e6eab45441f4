"""What a first hand-in puts into the gradebook is what nbgrader itself would put there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from course_lib.grading.coursefolders import plain_folders
from course_lib.grading.gradebook import Book
from tests.grading.classes.bad_input import good_class
from tests.grading.classes.demo_course import MODULE
from tests.grading.classes.test_class import run
from tests.grading.classes.test_gradebook import book


@contextmanager
def new_book(base: Path) -> Iterator[Any]:
    """A gradebook that is there before anything is graded."""
    with Book(plain_folders(base)) as made:
        yield made.gradebook


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_new_entries_are_those_that_nbgrader_would_make(course, tmp_path):
    good_class(tmp_path / "in", course)
    run(course, tmp_path / "in", tmp_path)

    def rows_of(student):
        found = []
        for notebook in gradebook.find_submission(MODULE, student).notebooks:
            found.append((notebook.name, notebook.flagged, notebook.late_submission_penalty))
            found += [(g.name, g.cell.type, g.manual_score, g.extra_credit, g.max_score) for g in notebook.grades]
            found += [(c.name, c.cell.type, c.manual_comment) for c in notebook.comments]
        return sorted(found, key=str)

    with book(tmp_path) as gradebook:
        gradebook.add_student("nbgraders")
        gradebook.add_submission(MODULE, "nbgraders")
        assert rows_of("amina") == rows_of("nbgraders")
        assert gradebook.find_student("amina").to_dict().keys() == gradebook.find_student("nbgraders").to_dict().keys()


def test_a_notebook_that_nobody_grades_has_its_entry_too(course, tmp_path):
    """`nbgrader generate_assignment` notes lessons as well."""
    with new_book(tmp_path) as gradebook:
        gradebook.update_or_create_assignment(MODULE)
        gradebook.update_or_create_notebook("lesson", MODULE)
    good_class(tmp_path / "in", course)
    assert run(course, tmp_path / "in", tmp_path).graded == 3
    with book(tmp_path) as gradebook:
        names = sorted(notebook.name for notebook in gradebook.find_submission(MODULE, "amina").notebooks)
        assert names == ["exercises", "lesson", "quiz"]
        assert gradebook.find_submission(MODULE, "amina").score == 12.0


def test_what_comes_late_is_noted_and_costs_what_the_course_says(course, tmp_path):
    good_class(tmp_path / "in", course)
    (tmp_path / "in" / "amina" / MODULE / "timestamp.txt").write_text("2026-03-03 12:00:00 UTC")
    (tmp_path / "in" / "bence" / MODULE / "timestamp.txt").write_text("2026-03-01 12:00:00 UTC")
    with new_book(tmp_path) as gradebook:
        gradebook.update_or_create_assignment(MODULE, duedate="2026-03-02 12:00:00 UTC")
    config = Config()
    config.LateSubmissionPlugin.penalty_method = "zero"
    run(course, tmp_path / "in", tmp_path, folders=replace(plain_folders(tmp_path), config=config))
    with book(tmp_path) as gradebook:
        late = gradebook.find_submission(MODULE, "amina")
        assert (late.total_seconds_late, late.score, late.late_submission_penalty) == (86400.0, 12.0, 12.0)
        in_time = gradebook.find_submission(MODULE, "bence")
        assert (in_time.total_seconds_late, in_time.score, in_time.late_submission_penalty) == (0, 9.0, 0.0)
