"""A capstone's starter is released as it is; nothing else of the capstone ever is."""

from __future__ import annotations

import pytest

from course_lib.workbook.build import build
from course_lib.workbook.freshness import find_stale
from course_lib.workbook.modules import find_modules
from course_lib.workbook.release import support_contents
from tests.workbook.small_course import MODULE, files_of

BOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
STARTER = {"TASK.md": b"# Task\n", "messy.ipynb": BOOK, "data/trips.csv": b"a,b\n1,2\n"}


@pytest.fixture
def course_with_capstone(built):
    home = built / "solutions" / MODULE / "capstone"
    for name, content in STARTER.items():
        path = home / "starter" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in ("reference/answer.py", "reference/picture.png", "starter/__pycache__/x.pyc", "starter/old.bak"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"never released")
    return built


def released(root):
    return files_of(root / "modules" / MODULE / "capstone")


def stale(root):
    return {entry.path.relative_to(root).as_posix(): entry.reasons for entry in find_stale(root=root)}


def test_the_starter_is_built_and_fresh_and_the_reference_stays(course_with_capstone):
    root = course_with_capstone
    assert sorted(stale(root)) == [f"modules/{MODULE}/capstone/{name}" for name in sorted(STARTER)]
    report = build(root=root)
    assert report.problems == []
    assert report.executed == [], "a starter is no reason to run notebooks"
    assert released(root) == STARTER
    assert stale(root) == {}
    (module,) = find_modules([MODULE], root)
    assert not [name for name in support_contents(module) if name.startswith("capstone")]
    again = build(root=root)
    assert {entry.status for entry in again.files} == {"unchanged"}


def test_a_starter_that_somebody_worked_in_is_put_back_and_the_work_kept(course_with_capstone):
    root = course_with_capstone
    build(root=root)
    path = root / "modules" / MODULE / "capstone" / "messy.ipynb"
    path.write_bytes(BOOK.replace(b"5", b"4"))
    (path.parent / "mine.py").write_bytes(b"mine")
    assert stale(root) == {f"modules/{MODULE}/capstone/messy.ipynb": ("is not the starter in solutions/",)}
    report = build(root=root)
    assert report.problems == []
    files = released(root)
    assert files["messy.ipynb"] == BOOK
    assert files["messy.ipynb.bak"] == BOOK.replace(b"5", b"4")
    assert files["mine.py"] == b"mine"


def test_line_ends_of_a_checkout_on_windows_are_no_difference(course_with_capstone):
    root = course_with_capstone
    build(root=root)
    path = root / "modules" / MODULE / "capstone" / "TASK.md"
    path.write_bytes(b"# Task\r\n")
    assert stale(root) == {}
