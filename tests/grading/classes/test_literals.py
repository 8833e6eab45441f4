"""A quiz is read, not run, as far as reading and running come to the same."""

from __future__ import annotations

import copy

import pytest

from course_lib.grading import execution
from course_lib.grading.literals import LiteralSide, literal_values
from tests.grading.classes.demo_course import SOLVED
from tests.grading.classes.fixtures import cells_of, points

CELLS = [
    "leak = 'b'",
    "leak = None",
    "leak = ['a', 'c']",
    "# nothing",
    "",
    "leak = -2.5e3",
    "a = b = (1, {'k': {2, 3}}, b'x')",
    "leak = 'a'\nleak = 'b'",
    "leak = 1+2j",
    "leak = ''",
    "leak = '''b\n'''  # so\n",
    "leak = True; other = 10**2 if 0 else 1",
]


@pytest.mark.parametrize("source", CELLS)
def test_what_is_read_is_what_would_have_run(source):
    read = literal_values(source)
    ran: dict = {}
    exec(source, {}, ran)
    assert read is None or read == ran
    assert (read is None) == ("if 0" in source)


@pytest.mark.parametrize(
    "source",
    [
        "leak = 'b'\nleak",
        "print('x')",
        "import os",
        "leak = open('x')",
        "leak = 'a' if True else 'b'",
        "leak =",
        "%time",
        "leak = f'{1}'",
        "leak, other = 1, 2",
        "leak.x = 1",
        "leak[0] = 1",
        "leak: str = 'b'",
        "leak += 1",
        "del leak",
        "'b'",
        "leak = [x for x in 'ab']",
        "leak = 'a' 'b' % ()",
        "leak = '\\d'",
        "_ = 1",
        "__name__ = 'x'",
        "leak = " + "(" * 250,
        "leak = {[]: 1}",
        "leak = '" + "x" * 6000 + "'",
        "  leak = 'b'",
        "!ls",
        "def leak(): pass",
        "leak = b\\\n'x'",
    ],
)
def test_what_is_more_than_a_value_is_code(source):
    assert literal_values(source) is None


@pytest.fixture
def processes(monkeypatch):
    """How many students' processes are asked for."""
    asked = []
    plain = execution.StudentSide

    def counted(*args):
        asked.append(args)
        return plain(*args)

    monkeypatch.setattr(execution, "StudentSide", counted)
    return asked


@pytest.mark.parametrize(
    "answer", ['leak = "b"', 'leak = "a"', "leak = None", "leak = ['b']", "# later", 'leak = "b"  # sure']
)
def test_a_quiz_has_the_same_grade_either_way(grader, monkeypatch, processes, answer):
    cells = grader.course.answered({"leak": answer}, "quiz")
    read = grader(cells, "quiz")
    assert processes == []
    monkeypatch.setattr(execution, "only_literals", lambda _: False)
    ran = grader(cells, "quiz")
    assert len(processes) == 1
    assert (read.tests, read.status, read.flags, read.unanswered) == (ran.tests, ran.status, ran.flags, ran.unanswered)
    assert cells_of(read) == cells_of(ran)


def test_one_cell_of_code_and_all_is_run(grader, processes):
    cells = grader.course.answered({"leak": 'leak = "b"'}, "quiz")
    more = {**copy.deepcopy(cells[1]), "id": "mine", "metadata": {}, "source": "leak = max('a', 'b')"}
    result = grader([cells[0], cells[1], more, *cells[2:]], "quiz")
    assert len(processes) == 1
    assert points(result) == {"leak-test": 1.0}


def test_tests_beside_the_answers_are_run(grader, processes):
    grader.answers(**SOLVED)
    assert len(processes) == 1


def test_a_value_too_deep_to_travel_fails_its_test_only(grader):
    quiz = grader(grader.course.answered({"leak": f"leak = {'[' * 80}{']' * 80}"}, "quiz"), "quiz")
    assert points(quiz) == {"leak-test": 0.0}
    assert quiz.status == "graded"


def test_there_is_nothing_to_tamper_with():
    side = LiteralSide()
    assert side.run("leak = 'b'", "leak")["status"] == "ok"
    head, body = side.ask({"kind": "fetch", "names": ["leak", "none"]}, b"", 0.0)
    assert [name for name, _ in head["sizes"]] == ["leak"]
    assert len(body) == head["sizes"][0][1]
    assert (side.probe(), side.notices) == ([], [])
