"""What a notebook earns, and how it says why."""

from __future__ import annotations

import pytest

from course_lib.grading.outcome import GRADED, STUDENT_ERROR, TIMEOUT
from tests.grading.classes.demo_course import POINTS, SOLVED
from tests.grading.classes.fixtures import cells_of, points


def test_how_tests_run_is_decided_from_the_solution(grader):
    assert grader.modes["exercises"] == {
        "total-test": "data",
        "drop_short-test-rows": "data",
        "drop_short-test-same": "data",
        "stages-test": "data",
        "Counter-test": "guarded",  # its test needs the student's own object
    }
    assert grader.modes["quiz"] == {"leak-test": "data"}


def test_right_answers_earn_everything(grader):
    result = grader.answers()
    assert points(result) == {name: worth for name, worth in POINTS.items() if name != "leak-test"}
    assert (result.status, result.repairs, result.flags) == (GRADED, [], [])


def test_the_untouched_release_earns_nothing_and_is_no_error(grader):
    result = grader(grader.course.released("exercises"))
    assert set(points(result).values()) == {0.0}
    assert result.status == GRADED
    assert result.unanswered == ["total", "drop_short", "stages", "Counter", "why"]
    assert {test.hint for test in result.tests if test.task == "total"} == {"Not answered yet."}


def test_a_wrong_answer_loses_its_own_points_only(grader):
    result = grader.answers(total="def total(values):\n    return sum(values) + (len(values) == 0)")
    assert points(result)["total-test"] == 0.0
    assert sum(points(result).values()) == 8.0
    failed = result.tests[0]
    assert failed.hint == "Expected 0, got 1. Hint: add them up."
    assert (failed.hidden, failed.status) == (True, GRADED)


def test_partial_credit_is_the_value_of_the_last_line(grader):
    assert points(grader.answers(stages='stages = {"a": "planning", "b": "nowhere"}'))["stages-test"] == 1.0


@pytest.mark.parametrize(
    ("answer", "status", "hint"),
    [
        (
            "def total(values):\n    return values.sum()",
            STUDENT_ERROR,
            "AttributeError: 'list' object has no attribute",
        ),
        ("def total(values)\n    return 1", STUDENT_ERROR, "Your cell total stopped with SyntaxError"),
        ("1 / 0", STUDENT_ERROR, "Your cell total stopped with ZeroDivisionError"),
        ("def summe(values):\n    return sum(values)", STUDENT_ERROR, "NameError: name 'total' is not defined"),
        ("def total(values):\n    while True: pass", TIMEOUT, "This test could not be finished: it ran for too long."),
        ("while True: pass", TIMEOUT, "Your cell total ran for too long"),
        ("import os\nos._exit(0)", STUDENT_ERROR, "Your cell total ended Python"),
        ("def total(values):\n    import os\n    os._exit(0)", STUDENT_ERROR, "Python ended while this test was"),
        (
            "def total(values):\n    raise SystemExit",
            STUDENT_ERROR,
            "AnswerError: SystemExit: the function tried to leave",
        ),
    ],
)
def test_a_broken_answer_costs_its_own_task_and_says_why(grader, answer, status, hint):
    result = grader.answers(total=answer)
    assert points(result) == {
        "total-test": 0.0, "drop_short-test-rows": 3.0, "drop_short-test-same": 1.0, "stages-test": 2.0,
        "Counter-test": 2.0,
    }  # fmt: skip
    assert result.tests[0].status == status
    assert result.tests[0].hint.startswith(hint)
    assert result.status == status


def test_the_students_own_lines_are_named(grader):
    result = grader.answers(total="def total(values):\n    n = len(values)\n    return values[n]")
    assert "total, line 3: return values[n]" in result.tests[0].hint


def test_warnings_and_stderr_cost_nothing(grader):
    noisy = "import sys, warnings\ndef total(values):\n    warnings.warn('careful')\n    print('hm', file=sys.stderr)\n"
    assert points(grader.answers(total=noisy + "    return sum(values)"))["total-test"] == 3.0


def test_changing_an_argument_is_seen_by_the_tests(grader):
    in_place = (
        'def drop_short(trips):\n    trips.drop(trips.index[trips["duration"] < 1], inplace=True)\n    return trips'
    )
    result = points(grader.answers(drop_short=in_place))
    assert (result["drop_short-test-rows"], result["drop_short-test-same"]) == (3.0, 0.0)


def test_a_helper_in_a_cell_of_ones_own_is_run(grader):
    cells = grader.course.answered({**SOLVED, "total": "def total(values):\n    return add_up(values)"})
    helper = {**cells[1], "id": "mine", "source": "def add_up(values):\n    return sum(values)"}
    cells.insert(2, helper)
    result = grader(cells)
    assert points(result)["total-test"] == 3.0


def test_what_a_tests_visible_part_defines_may_be_used_below_it(grader):
    later = (
        'expected_first = None\n\ndef drop_short(trips):\n    expect([1], 1)\n    return trips[trips["duration"] >= 1]'
    )
    assert points(grader.answers(drop_short=later))["drop_short-test-rows"] == 3.0


def test_the_same_random_numbers_for_everybody(grader):
    lucky = (
        "import random\ndraw = random.random()\ndef total(values):\n    return sum(values) + (draw > 2)\nprint(draw)"
    )
    first, second = (grader.answers(total=lucky) for _ in range(2))
    printed = [next(c for c in cells_of(r) if c["id"] == "total")["outputs"][0]["text"] for r in (first, second)]
    assert printed[0] == printed[1]


def test_no_file_in_the_sandbox_has_a_hidden_test(sandboxed):
    """The student's code reads all that it can, but for Python and the system's programs."""
    search = (
        "import os, sys\nfound, seen = [], 0\n"
        "outside = ('/usr', '/proc', '/sys', '/dev', sys.prefix, sys.base_prefix, sys.exec_prefix)\n"
        "for folder, below, files in os.walk('/'):\n"
        "    below[:] = [n for n in below if not os.path.join(folder, n).startswith(outside)]\n"
        "    for name in files:\n        try:\n            with open(os.path.join(folder, name), 'rb') as file:\n"
        "                data = file.read()\n            seen += 1\n        except OSError:\n            continue\n"
        "        if b'48' + b'12' in data and name.endswith(('.ipynb', '.py', '.json', '.db', '.md')):\n"
        "            found.append(os.path.join(folder, name))\nprint(seen > 50, found)\n"
    )
    result = sandboxed.answers(total=search + SOLVED["total"])
    printed = next(c for c in cells_of(result) if c["id"] == "total")["outputs"][0]["text"]
    assert printed == "True []\n"


def test_a_quiz_shows_its_reasons_and_takes_a_variable(grader):
    quiz = grader(grader.course.answered({"leak": 'leak = "a"'}, "quiz"), "quiz")
    assert points(quiz) == {"leak-test": 0.0}
    outputs = next(c for c in cells_of(quiz) if c["id"] == "leak-test")["outputs"]
    assert outputs[0]["text"] == "a: the fare is known after the ride.\n"
    assert quiz.tests[0].hint == "b is right."
    assert points(grader(grader.course.answered(SOLVED, "quiz"), "quiz")) == {"leak-test": 1.0}


def test_the_time_of_a_whole_notebook_is_limited(grader):
    from course_lib.grading.limits import Limits

    cells = grader.course.answered({**SOLVED, "drop_short": "import time\ntime.sleep(30)"})
    limits = Limits(cell_seconds=20, notebook_seconds=3)
    result = grader.file(grader.course.file(cells), limits=limits)
    assert points(result)["total-test"] == 3.0  # what was done in time stays
    assert {t.grade_id: t.status for t in result.tests}["Counter-test"] == TIMEOUT
    assert points(result)["Counter-test"] == 0.0
