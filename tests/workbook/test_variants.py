"""Which cells a trial of one answer runs."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.workbook.scoring import TaskInfo
from course_lib.workbook.variants import only_for


def graded(grade_id, source, *, grade):
    meta = {"nbgrader": {"grade_id": grade_id, "grade": grade, "solution": not grade, "points": 1 if grade else None}}
    return new_code_cell(source, metadata=meta)


def kept(first_test, between="b = a()"):
    """What is left for the second of three tasks, of which the first has this test."""
    cells = [
        new_markdown_cell("Three tasks."),
        new_code_cell("import math"),
        graded("one", "def a(): ...", grade=False),
        graded("one-test1", first_test, grade=True),
        new_code_cell(between),
        graded("two", "def b(): ...", grade=False),
        graded("two-test1", "assert b() == 1", grade=True),
        graded("two-test2", "assert b() == 2", grade=True),
        graded("three", "def c(): ...", grade=False),
    ]
    notebook = new_notebook(cells=cells)
    shorter = only_for(notebook, TaskInfo("two", ("two-test1", "two-test2"), 2))
    assert len(notebook.cells) == 9
    return [cell.source for cell in shorter.cells]


def test_what_comes_later_and_other_tests_are_left_out():
    own = ["def b(): ...", "assert b() == 1", "assert b() == 2"]
    assert kept("assert a() == 1") == ["Three tasks.", "import math", "def a(): ...", "b = a()", *own]


@pytest.mark.parametrize(
    ("first_test", "between"),
    [
        ("expected = 3\nassert a() == expected", "b = expected"),
        ("for row in [1]: assert a() == row", "print(row)"),
        ("from os import path as where", "where.join('a')"),
        ("import os.path", "print(os.sep)"),
        ("def check(): ...", "check()"),
        ("class Check: ...", "def later():\n    return Check()"),
        ("total = 0", "total += 1"),
        ("total = 0", "total = total + 1"),
        ("total = 0", "if a():\n    total = 1\nprint(total)"),
        ("def check(): ...", "def all_of_it():\n    check()\ndef check(): ..."),
        ("import cmath as math", "math.sqrt(2)"),
        ("math = None", "math.sqrt(2)"),
        ("import math\nmath = math.sqrt", "math(2)"),
        ("got = a()", "try:\n    got = b()\nexcept ValueError:\n    pass\nprint(got)"),
        ("got = a()", "for got in []:\n    pass\nprint(got)"),
        ("got = a()", "import contextlib\nwith contextlib.suppress(ValueError):\n    got = b()\nprint(got)"),
        ("got = a()", "got = 1\ndel got\nprint(got)"),
        ("got = a()", "def later():\n    return [got for _ in range(3)]"),
        ("got = a()", "rows = [got for got in range(3)]\nprint(got)"),
        ("%time a()", "b = 1"),  # what isn't Python may do anything
        ("assert a() == 1", "%run other.py"),  # and may use anything
    ],
)
def test_a_test_that_others_may_need_stays(first_test, between):
    assert first_test in kept(first_test, between)


@pytest.mark.parametrize(
    ("first_test", "between"),
    [
        ("def check(): ...", "def check(): ...\ncheck()"),
        ("import math as m", "import math as m\nm.sqrt(2)"),
        ("import math\nassert a()", "math.sqrt(2)"),  # as the first cell has it
        ("rows = a()\nassert [row for row in rows]", "row = 1\nprint(row)"),
        ("got = a()", "print([got for got in range(3)])"),
        ("got = a()", "def later(got, *more):\n    return lambda more: got + more"),
        ("got = a()", "try:\n    got = b()\nexcept ValueError:\n    raise\nprint(got)"),
        ("got = a()", "for got in range(3):\n    print(got)"),
        ("got = a()", "with open('a') as got:\n    print(got)"),
        ("total = 0", "total = 1\nprint(total)"),
    ],
)
def test_a_test_whose_names_are_made_anew_is_left_out(first_test, between):
    """Tests of different tasks often have helpers of the same names."""
    assert first_test not in kept(first_test, between)
