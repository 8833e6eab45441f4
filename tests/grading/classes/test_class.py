"""A class with every kind of bad input in it: the good ones' grades are what they are without the bad ones."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from pathlib import Path

import pytest

from course_lib.grading.coursefolders import plain_folders
from course_lib.grading.grade_class import grade
from course_lib.grading.limits import MB, Limits
from course_lib.grading.outcome import GRADED, MALFORMED, STUDENT_ERROR, TIMEOUT
from tests.grading.classes.demo_course import MODULE, SOLVED, content
from tests.grading.classes.fixtures import has_sandbox

LIMITS = Limits(cell_seconds=3, notebook_seconds=25, memory_bytes=512 * MB, file_bytes=16 * MB, processes=40)
GOOD = ("amina", "bence", "Zoë")


def _answer(course, **answers):
    return content(course.answered({**SOLVED, **answers}))


def _huge_output(course):
    return _answer(course, total="print('x' * 200_000_000)\n" + SOLVED["total"])


def _big_file(course):
    cells = course.answered(SOLVED)
    cells[3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (50 << 20)}]
    return content(cells)


def _old_format(course):
    import nbformat

    return json.dumps(nbformat.convert(nbformat.from_dict(json.loads(_answer(course))), 3)).encode()


def _without(course, what):
    cells = course.answered(SOLVED)
    for cell in cells:
        if what == "no ids":
            cell["metadata"] = {}
            del cell["id"]
        else:
            cell["id"] = "same"
    return content(cells, nbformat_minor=4 if what == "no ids" else 5)


def _copied_test(course):
    cells = course.answered(SOLVED)
    test = next(cell for cell in cells if cell["id"] == "total-test")
    return content([*cells, copy.deepcopy(test)])


def _as_text(course):
    cells = course.answered(SOLVED)
    for cell in cells:
        if cell["id"] in ("total", "stages"):
            cell["cell_type"] = "markdown"
    return content(cells)


# name: (the file, its status, its points of 11, words that the report must say about it)
BAD = {
    "broken json": (lambda _: b'{"cells": [', MALFORMED, 0, "its JSON is broken"),
    "empty": (lambda _: b"", MALFORMED, 0, "the file is empty"),
    "huge output": (_huge_output, GRADED, 11, ""),
    "big file": (_big_file, GRADED, 11, ""),
    "format 3": (_old_format, MALFORMED, 11, "old format 3"),
    "other kernel": (
        lambda c: content(c.answered(SOLVED), metadata={"kernelspec": {"name": "ir", "language": "R"}}),
        MALFORMED, 11, "kernel",
    ),
    "duplicate ids": (lambda c: _without(c, "duplicate"), GRADED, 11, "id of another cell"),
    "no ids": (lambda c: _without(c, "no ids"), GRADED, 11, "no cell had an id"),
    "copied test": (_copied_test, GRADED, 11, "had been copied"),
    "everything deleted": (lambda _: content([]), GRADED, 0, "was missing"),
    "text for code": (_as_text, GRADED, 11, "was a markdown cell"),
    "endless": (lambda c: _answer(c, total="while True: pass"), TIMEOUT, 8, "ran for too long"),
    "fork bomb": (
        lambda c: _answer(c, total="import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
        TIMEOUT, 8, "",
    ),
    "much memory": (lambda c: _answer(c, total="x = bytearray(100 * 2**30)"), STUDENT_ERROR, 8, "MemoryError"),
    "exit": (lambda c: _answer(c, total="import os\nos._exit(1)"), STUDENT_ERROR, 8, "ended Python"),
    "kills its parent": (
        lambda c: _answer(c, total="import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + SOLVED["total"]),
        None, None, "sent a signal",
    ),
    "kills everybody": (lambda c: _answer(c, total="import os\nos.kill(-1, 9)\n" + SOLVED["total"]), None, None, ""),
    "closes its output": (
        lambda c: _answer(c, total="import os, sys\nsys.stdout.close() if hasattr(sys.stdout, 'close') else 0\n"
                          "os.close(1)\nos.close(2)\n" + SOLVED["total"]),
        None, 11, "",
    ),
    "deletes its folder": (
        lambda c: _answer(c, total="import os, shutil\nshutil.rmtree(os.getcwd(), True)\n" + SOLVED["total"]),
        GRADED, 11, "",
    ),
    "fills the disk": (
        lambda c: _answer(c, total="with open('big', 'wb') as f:\n    while True: f.write(b'x' * 2**20)"),
        STUDENT_ERROR, 8, "",
    ),
}  # fmt: skip
# what only a sandbox can hold
DANGEROUS = {"fork bomb", "much memory", "kills its parent", "kills everybody", "fills the disk"}


def hand_in(folder: Path, student: str, exercises: bytes, course) -> None:
    place = folder / student / MODULE
    place.mkdir(parents=True)
    (place / "exercises.ipynb").write_bytes(exercises)
    (place / "quiz.ipynb").write_bytes(content(course.answered(SOLVED, "quiz")))


def good_class(folder: Path, course) -> None:
    hand_in(folder, "amina", _answer(course), course)
    hand_in(folder, "bence", _answer(course, total="def total(values):\n    return len(values)"), course)
    hand_in(folder, "Zoë", content(course.released("exercises")), course)


def run(course, folder: Path, out: Path, **options):
    return grade(
        [MODULE], submissions=folder, root=course.root, folders=plain_folders(out), limits=LIMITS,
        **{"jobs": 2, "unsafe": not has_sandbox(), **options},
    )  # fmt: skip


def grades_of(result) -> dict[str, str]:
    return {r.student: json.dumps(r.grades(), sort_keys=True) for r in result.results}


@pytest.fixture(scope="module")
def alone(course, tmp_path_factory):
    """The good ones' grades without anybody else."""
    base = tmp_path_factory.mktemp("alone")
    good_class(base / "in", course)
    return grades_of(run(course, base / "in", base, jobs=1))


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
        archive.writestr("exercises.ipynb", _answer(course))
        archive.writestr("quiz.ipynb", content(course.answered(SOLVED, "quiz")))
    (folder / "hand-in.zip").write_bytes(packed.getvalue())
    (folder / "Zoë_exercises.ipynb").write_bytes(content(course.released("exercises")))
    (folder / "Zoë_quiz.ipynb").write_bytes(content(course.answered(SOLVED, "quiz")))
    together = grades_of(run(course, folder, tmp_path))
    assert together == {name: alone[name] for name in ("amina", "Zoë")}
