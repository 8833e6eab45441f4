"""A class with every kind of bad input in it: the good ones' grades are what they are without the bad ones."""

from __future__ import annotations

import html
import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from course_lib.grading.coursefolders import plain_folders
from course_lib.grading.grade_class import grade
from tests.grading.classes.bad_input import BAD, DANGEROUS, GOOD, LIMITS, ODD, answer, good_class, hand_in
from tests.grading.classes.demo_course import MODULE, SOLVED, content
from tests.grading.classes.fixtures import has_sandbox


def run(course, folder: Path, out: Path, **options):
    usual = {"folders": plain_folders(out), "jobs": 2, "unsafe": not has_sandbox(), "limits": LIMITS}
    return grade([MODULE], submissions=folder, root=course.root, **{**usual, **options})


def grades_of(result) -> dict[str, str]:
    return {r.student: json.dumps(r.grades(), sort_keys=True) for r in result.results}


def everything_about(result, base: Path) -> dict[str, dict[str, bytes]]:
    """For each good one, byte for byte: grades, autograded notebooks, and lines of every CSV file but that of tasks."""
    found = {}
    for name in GOOD:
        about = {"grades": grades_of(result)[name].encode()}
        for path in sorted((base / "gradebook" / "autograded" / name).rglob("*.ipynb")):
            about[path.name] = path.read_bytes()
        for kind in ("scores", "tests", "repairs", "flags", "canvas", "moodle"):
            lines = result.files[kind].read_text(encoding="utf-8").splitlines()
            about[kind] = "\n".join(line for line in lines if name in line).encode()
        found[name] = about
    return found


@pytest.fixture(scope="module")
def good_ones(course, tmp_path_factory):
    """The good ones without anybody else: all about them."""
    base = tmp_path_factory.mktemp("alone")
    good_class(base / "in", course)
    result = run(course, base / "in", base, jobs=1)
    return grades_of(result), everything_about(result, base)


@pytest.fixture(scope="module")
def alone(good_ones):
    """The good ones' grades without anybody else."""
    return good_ones[0]


@pytest.fixture(scope="module")
def mixed(course, tmp_path_factory):
    """The good ones among all the bad ones that this system can hold."""
    base = tmp_path_factory.mktemp("mixed")
    good_class(base / "in", course)
    names = [name for name in BAD if has_sandbox() or name not in DANGEROUS]
    for name in names:
        hand_in(base / "in", name, BAD[name][0](course), course)
    result = run(course, base / "in", base)
    return result, {r.student: r for r in result.results}


def test_good_ones_are_graded_as_they_are_alone(alone, mixed):
    result, _ = mixed
    together = grades_of(result)
    assert {name: together[name] for name in GOOD} == alone


@pytest.mark.parametrize("name", BAD)
def test_bad_input(mixed, name):
    result, by_student = mixed
    if name not in by_student:
        pytest.skip("only a sandbox holds this")
    _, status, points, words = BAD[name]
    exercises = next(n for n in by_student[name].notebooks if n.name == "exercises")
    quiz = next(n for n in by_student[name].notebooks if n.name == "quiz")
    assert exercises.status != "infra_error", exercises.problem
    if status is not None:
        assert exercises.status == status, exercises.tests
    if points is not None:
        assert exercises.points == points, exercises.tests
    assert quiz.points == 1.0  # the other notebook is not touched
    said = json.dumps(result.as_dict(), ensure_ascii=False)
    mine = json.dumps(by_student[name].as_dict(), ensure_ascii=False)
    assert words in mine
    assert name in said


@pytest.mark.parametrize("name", BAD)
def test_one_bad_hand_in_changes_nothing_for_the_others(course, good_ones, tmp_path, name):
    if name in DANGEROUS and not has_sandbox():
        pytest.skip("only a sandbox holds this")
    good_class(tmp_path / "in", course)
    hand_in(tmp_path / "in", "bad", BAD[name][0](course), course)
    result = run(course, tmp_path / "in", tmp_path)
    assert everything_about(result, tmp_path) == good_ones[1]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there, and some names cannot be")
@pytest.mark.parametrize("name", ODD)
def test_one_odd_thing_in_the_folder_changes_nothing_for_the_others(course, good_ones, tmp_path, name):
    put, student, points, words = ODD[name]
    good_class(tmp_path / "in", course)
    put(tmp_path / "in", course)
    result = run(course, tmp_path / "in", tmp_path)
    assert everything_about(result, tmp_path) == good_ones[1]
    others = {r.student: r for r in result.results if r.student not in GOOD}
    assert list(others) == ([student] if student else [])
    assert len(result.rejected) == (student is None)
    if student:
        assert next(n for n in others[student].notebooks if n.name == "exercises").points == points
    assert words in json.dumps(result.as_dict(), ensure_ascii=False)
    report = result.files["report"].read_text(encoding="utf-8")
    assert not words or words in html.unescape(report)


def test_nothing_is_left_running_or_lying_about(mixed):
    import psutil

    assert mixed
    here = psutil.Process()
    left = [p for p in here.children(recursive=True) if "course_lib.grading.processes" in " ".join(p.cmdline())]
    assert left == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_order_and_number_of_workers_change_no_grade(course, alone, tmp_path, jobs):
    good_class(tmp_path / "in", course)
    hand_in(tmp_path / "in", "000-first", BAD["exit"][0](course), course)
    together = grades_of(run(course, tmp_path / "in", tmp_path, jobs=jobs))
    assert {name: together[name] for name in GOOD} == alone


def test_zips_and_files_are_graded_like_folders(course, alone, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.json", json.dumps({"student": "amina", "module": MODULE}))
        archive.writestr("exercises.ipynb", answer(course))
        archive.writestr("quiz.ipynb", content(course.answered(SOLVED, "quiz")))
    (folder / "hand-in.zip").write_bytes(packed.getvalue())
    (folder / "Zoë_exercises.ipynb").write_bytes(content(course.released("exercises")))
    (folder / "Zoë_quiz.ipynb").write_bytes(content(course.answered(SOLVED, "quiz")))
    together = grades_of(run(course, folder, tmp_path))
    assert together == {name: alone[name] for name in ("amina", "Zoë")}
