"""nbgrader goes on working on what we write, and what people have entered stays."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from course_lib.grading.coursefolders import plain_folders
from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook_nbgrader import newest_version
from tests.grading.classes.bad_input import good_class, hand_in
from tests.grading.classes.demo_course import MODULE, SOLVED, DemoCourse, content
from tests.grading.classes.test_class import run

WRONG = {**SOLVED, "total": "def total(values):\n    return len(values)"}


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """A graded class, to be copied by tests that change it."""
    base = tmp_path_factory.mktemp("graded")
    good_class(base / "in", course)
    run(course, base / "in", base)
    return base


@pytest.fixture
def base(graded, tmp_path):
    shutil.copytree(graded, tmp_path, dirs_exist_ok=True)
    return tmp_path


def book(base):
    from nbgrader.api import Gradebook

    return Gradebook(plain_folders(base).db_url, "default_course")


def grade_of(gradebook, student, cell, notebook="exercises"):
    return gradebook.find_grade(cell, notebook, MODULE, student)


def test_scores_are_in_nbgraders_gradebook(base):
    with book(base) as gradebook:
        submission = gradebook.find_submission(MODULE, "bence")
        assert (submission.score, submission.max_score) == (9.0, 16.0)
        assert grade_of(gradebook, "bence", "total-test").auto_score == 0.0
        assert grade_of(gradebook, "bence", "drop_short-test-rows").auto_score == 3.0
        assert {n.name: n.needs_manual_grade for n in submission.notebooks} == {"exercises": True, "quiz": False}
        assert grade_of(gradebook, "bence", "why").auto_score is None
        untouched = grade_of(gradebook, "Zoë", "why")
        assert (untouched.auto_score, untouched.needs_manual_grade) == (0.0, False)
        assert gradebook.find_comment("why", "exercises", MODULE, "Zoë").auto_comment == "No response."


def test_nbgraders_commands_find_what_they_need(base):
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    config, folders = Config(), plain_folders(base)
    config.CourseDirectory.root = str(base)
    config.CourseDirectory.db_url = folders.db_url
    for name in ("submitted", "autograded", "feedback"):
        config.CourseDirectory[f"{name}_directory"] = str(getattr(folders, name))
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    listed = {entry["student"]: entry for entry in api.get_submissions(MODULE)}
    assert {name: (entry["autograded"], entry["score"]) for name, entry in listed.items()} == {
        "amina": (True, 12.0), "bence": (True, 9.0), "Zoë": (True, 1.0),
    }  # fmt: skip
    ids = api.get_notebook_submission_indices(MODULE, "exercises")
    assert len(ids) == 3


def test_what_sqlalchemy_says_to_nbgraders_authors_is_not_heard(base):
    import warnings

    from sqlalchemy.exc import SAWarning

    from course_lib.grading.gradebook import Book

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with Book(plain_folders(base)) as made:
            assert made.gradebook is not None  # nbgrader's own, which is opened when it is asked for
            warnings.warn("a relationship will copy a column", SAWarning, stacklevel=1)
            warnings.warn("something else", UserWarning, stacklevel=1)
        warnings.warn("and afterwards", SAWarning, stacklevel=1)
    assert [str(w.message) for w in heard] == ["something else", "and afterwards"]


def test_nbgraders_export_works(base, tmp_path):
    from nbgrader.plugins import CsvExportPlugin

    plugin = CsvExportPlugin()
    plugin.to = str(tmp_path / "grades.csv")
    with book(base) as gradebook:
        plugin.export(gradebook)
    lines = (tmp_path / "grades.csv").read_text().splitlines()
    assert any(",bence," in line and ",9.0," in line for line in lines)


def test_feedback_has_the_hint_and_no_hidden_test(base, course):
    results = run(course, base / "in", base).results
    assert write_feedback(plain_folders(base), results, jobs=1) == 6
    page = (base / "gradebook" / "feedback" / "bence" / MODULE / "exercises.html").read_text(encoding="utf-8")
    assert "Hint: add them up." in page
    assert "4812" not in page
    assert "HIDDEN TESTS" not in page
    assert write_feedback(plain_folders(base), results, jobs=1) == 0  # nothing has changed since


def test_hidden_tests_are_in_no_file_but_the_gradebook(base):
    hidden = re.compile(
        rb"(?<![0-9a-f.])4812(?![0-9a-f])"
    )  # as the test has it, and not by chance within a hash or a time
    assert hidden.search(b"expect([4, 5, 4812], 4821)")
    for path in (base / "gradebook").rglob("*"):
        if path.is_file() and path.suffix != ".db":
            assert not hidden.search(path.read_bytes()), path


def test_autograded_notebooks_are_valid(base):
    import nbformat

    for path in (base / "gradebook" / "autograded").rglob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))


def test_what_a_student_prints_cannot_run_in_the_graders_browser(base, course):
    evil = 'from IPython.display import HTML, display\ndisplay(HTML("<script>alert(1)</script>"))\n'
    evil += 'display(HTML("<img src=x onerror=alert(1)>"))\ndisplay(HTML("<b>fine</b>"))\n'
    answers = {**SOLVED, "total": evil + SOLVED["total"], "why": "<script>alert(2)</script> **why** [x](javascript:a)"}
    hand_in(base / "in", "mallory", content(course.answered(answers)), course)
    run(course, base / "in", base)
    path = base / "gradebook" / "autograded" / "mallory" / MODULE / "exercises.ipynb"
    cells = {cell["id"]: cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}
    shown = [data for output in cells["total"]["outputs"] for data in output["data"].items() if data[0] == "text/html"]
    assert shown == [("text/html", "<b>fine</b>")]
    assert "<script" not in cells["why"]["source"]


def test_what_people_entered_survives(base, course):
    with book(base) as gradebook:
        grade_of(gradebook, "amina", "why").manual_score = 3.5
        grade_of(gradebook, "amina", "why").needs_manual_grade = False
        grade_of(gradebook, "bence", "total-test").manual_score = 1.0
        grade_of(gradebook, "bence", "total-test").extra_credit = 0.5
        gradebook.find_comment("why", "exercises", MODULE, "amina").manual_comment = "Well said."
        gradebook.db.commit()
    result = run(course, base / "in", base, force=True)
    assert result.graded == 3
    with book(base) as gradebook:
        kept = grade_of(gradebook, "amina", "why")
        assert (kept.manual_score, kept.needs_manual_grade) == (3.5, False)
        changed = grade_of(gradebook, "bence", "total-test")
        assert (changed.auto_score, changed.manual_score, changed.extra_credit) == (0.0, 1.0, 0.5)
        assert gradebook.find_comment("why", "exercises", MODULE, "amina").comment == "Well said."
    scores = {score.student: score for score in result.scores}
    assert (scores["amina"].points, scores["amina"].final) == (15.5, 15.5)
    assert scores["bence"].points == 10.5


def test_a_new_hand_in_is_to_be_looked_at_again(base, course):
    with book(base) as gradebook:
        grade_of(gradebook, "amina", "why").manual_score = 3.5
        grade_of(gradebook, "amina", "why").needs_manual_grade = False
        gradebook.db.commit()
    shutil.rmtree(base / "in" / "amina")
    hand_in(base / "in", "amina", content(course.answered({**WRONG, "why": "Another text."})), course)
    result = run(course, base / "in", base)
    assert (result.graded, result.unchanged) == (1, 2)
    with book(base) as gradebook:
        again = grade_of(gradebook, "amina", "why")
        assert (again.manual_score, again.needs_manual_grade) == (3.5, True)
        assert grade_of(gradebook, "amina", "total-test").auto_score == 0.0


def test_tests_that_change_are_graded_again_for_everybody(base, tmp_path_factory):
    from tests.grading.classes import demo_course

    other = DemoCourse(tmp_path_factory.mktemp("changed"))
    path = other.root / "solutions" / MODULE / "exercises.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    new_test = demo_course._test("total-test", "assert total([7]) == 7, 'Expected 7.'")
    new_test["id"], new_test["metadata"]["nbgrader"]["grade_id"] = "total-test-one", "total-test-one"
    place = next(n for n, cell in enumerate(notebook["cells"]) if cell["id"] == "total-test")
    notebook["cells"].insert(place + 1, new_test)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    result = run(other, base / "in", base)
    assert result.graded == 3
    with book(base) as gradebook:
        assert grade_of(gradebook, "amina", "total-test-one").auto_score == 3.0
        assert grade_of(gradebook, "bence", "total-test-one").auto_score == 0.0
        assert gradebook.find_submission(MODULE, "amina").max_score == 19.0


def test_the_version_of_new_tables_is_the_one_that_nbgrader_would_note(base):
    import os
    import sys
    from pathlib import Path

    import nbgrader.api as api

    path = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    try:
        assert newest_version(Path(api.__file__).parent) == api.get_alembic_version()
    finally:
        os.environ["PATH"] = path
    assert base
