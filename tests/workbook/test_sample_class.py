"""The sample class lies where nbgrader expects submissions, and nbgrader gives it the points it should have."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.workbook.modules import find_modules
from course_lib.workbook.sample_class import sample_class
from tests.workbook.small_course import MODULE, files_of


@pytest.fixture
def students(course):
    return sample_class(find_modules([MODULE], course)[0], course / "gradebook" / "submitted")


def test_everybody_hands_in_what_their_habit_says(course, students):
    handed_in = course / "gradebook" / "submitted"
    assert [s.habit for s in students] == ["right", "slips", "half", "wrong", "no quiz", "untouched"]
    for student in students:
        names = sorted(path.name for path in (handed_in / student.name / MODULE).iterdir())
        assert names == (["exercises.ipynb"] if student.habit == "no quiz" else ["exercises.ipynb", "quiz.ipynb"])
    best = nbformat.read(handed_in / "amina" / MODULE / "exercises.ipynb", as_version=4)
    written = next(c for c in best.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "worth_it")
    assert written.source == "Because riders gain a quarter of an hour."


def test_the_points_of_each_habit(students):
    assert {s.habit: s.points for s in students} == {
        "right": {"exercises": 16, "quiz": 10},
        "slips": {"exercises": 14, "quiz": 7},
        "half": {"exercises": 8, "quiz": 7},
        "wrong": {"exercises": 4, "quiz": 2},
        "no quiz": {"exercises": 16, "quiz": 0},
        "untouched": {"exercises": 0, "quiz": 0},
    }


def test_the_same_class_every_time_and_any_size(course):
    module = find_modules([MODULE], course)[0]
    small, large = course / "small", course / "large"
    sample_class(module, small)
    students = sample_class(module, large, size=8)
    assert [s.name for s in students][-2:] == ["amina2", "bence2"]
    assert {k: v for k, v in files_of(large).items() if "2/" not in k} == files_of(small)


def nbgrader(root: Path, *words: str) -> str:
    """nbgrader's own command, from the course's folder; the environment need not be activated."""
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def graded(built_once, tmp_path_factory):
    """The small course after all of nbgrader's commands, over two of the sample class: all right, all wrong."""
    root = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(built_once, root)
    handed_in = root / "gradebook" / "submitted"
    everybody = sample_class(find_modules([MODULE], root)[0], handed_in, size=4)
    students = [student for student in everybody if student.habit in ("right", "wrong")]
    for student in everybody:
        if student not in students:
            shutil.rmtree(handed_in / student.name)
    (root / "modules" / MODULE / "exercises.ipynb").write_text("{}", encoding="utf-8")
    nbgrader(root, "generate_assignment", MODULE)
    nbgrader(root, "autograde", MODULE)
    nbgrader(root, "generate_feedback", MODULE)
    nbgrader(root, "export")
    return root, students


def test_nbgrader_generates_what_we_build(graded, built_once):
    root, _ = graded
    assert files_of(root / "modules") == files_of(built_once / "modules")


def test_nbgrader_gives_the_points_it_should(graded):
    root, students = graded
    with (root / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {name: float(row["raw_score"]) for name, row in rows.items()} == {
        s.name: sum(s.points.values()) for s in students
    }
    assert {float(row["max_score"]) for row in rows.values()} == {30.0}


def test_the_feedback_gives_every_reason_to_everybody(graded):
    root, students = graded
    for student in students:
        page = (root / "gradebook" / "feedback" / student.name / MODULE / "quiz.html").read_text(encoding="utf-8")
        shown = page.replace("&quot;", '"')
        # rendered from Markdown as a list, apart from the test's source
        assert "<strong>a</strong> · The fare is told after the ride has ended." in shown
        assert '<strong>b</strong> · The rider typed the "zones" {both}.' in shown
        assert "<strong>12.5 minutes</strong> · It is the root of the mean of the squares." in shown


def test_the_folder_in_which_code_is_graded_holds_no_text_of_ours(graded):
    root, _ = graded
    names = {path.name for path in (root / "gradebook" / "autograded").rglob("*") if path.is_file()}
    assert names == {"exercises.ipynb", "quiz.ipynb"}
