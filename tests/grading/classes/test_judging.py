"""Tests see a student's functions as if they were their own: arguments, callbacks, errors, signatures."""

from __future__ import annotations

import pytest

from course_lib.grading.assignment import Assignment, Cell, bound_names
from course_lib.grading.calibration import calibrate
from course_lib.grading.execution import DATA, GUARDED, Step, execute
from course_lib.grading.limits import Limits
from course_lib.grading.processes.start_nursery import can_fork
from tests.grading.classes.demo_course import _entry

LIMITS = Limits(cell_seconds=5, notebook_seconds=20)


@pytest.fixture
def judged(grader):
    """Run one answer and one test on data: the verdict."""

    def run(answer, test, mode=DATA, plain=None):
        shown = [Cell("plain", "code", "p", plain, plain, plain, {})] if plain else []
        cells = [
            *shown,
            Cell("answer", "code", "a", answer, answer, answer, _entry("a", solution=True), "a"),
            Cell("test", "code", "t", test, test, test, _entry("t", 1, grade=True, locked=True), "t", 1.0),
        ]
        names = frozenset(bound_names(answer))
        assignment = Assignment("m", "n", cells, {}, names, frozenset({"numpy", "pandas", "math"}))
        steps = [Step(cell.source, cell.name, cell) for cell in cells]
        return execute(assignment, steps, grader.starter, limits=LIMITS, modes={"t": mode}).verdicts["t"]

    return run


def passes(verdict):
    return verdict["status"] == "ok" or pytest.fail(str(verdict))


def test_arguments_of_every_kind(judged):
    answer = "def f(a, *more, key=None, **rest):\n    return [a, more, key, rest]"
    assert passes(judged(answer, "assert f(1, 2, 3, key='k', x={1}) == [1, (2, 3), 'k', {'x': {1}}]"))


def test_functions_of_the_test_are_called_where_they_are(judged):
    answer = (
        "def retry(action, times, wait):\n    for n in range(times):\n        try:\n            return action()\n"
        "        except ConnectionError as error:\n            last = error\n            wait(2 ** n)\n    raise last"
    )
    test = (
        "waits, calls = [], []\n\n\ndef flaky():\n    calls.append(1)\n    if len(calls) < 3:\n"
        "        raise ConnectionError('down')\n    return 'up'\n\n\n"
        "assert retry(flaky, 5, waits.append) == 'up'\nassert waits == [1, 2], waits\n\n\n"
        "def broken():\n    raise ConnectionError('always')\n\n\ntry:\n    retry(broken, 2, lambda s: None)\n"
        "except ConnectionError as error:\n    assert str(error) == 'always'\nelse:\n    raise AssertionError"
    )
    assert passes(judged(answer, test))


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("ValueError('bad month')", "ValueError"),
        ("KeyError('x')", "KeyError"),
        ("json.JSONDecodeError('bad', 'doc', 1)", "ValueError"),
        ("pd.errors.ParserError('bad')", "ValueError"),
        ("Own('bad')", "LookupError"),
        ("UnicodeDecodeError('utf-8', b'x', 0, 1, 'why')", "UnicodeError"),
        ("ZeroDivisionError()", "ArithmeticError"),
    ],
)
def test_errors_arrive_as_what_they_are(judged, raised, caught):
    answer = (
        f"import json\nimport pandas as pd\n\n\nclass Own(LookupError):\n    pass\n\n\ndef f():\n    raise {raised}"
    )
    name = raised.split("(")[0].split(".")[-1]
    test = f"try:\n    f()\nexcept {caught} as error:\n    assert type(error).__name__ == {name!r}, str(error)\n"
    assert passes(judged(answer, test + "else:\n    raise AssertionError('no error')"))


@pytest.mark.parametrize("caught", ["ValueError", "ValidationError"])
def test_an_error_that_has_no_constructor_can_be_expected(judged, caught):
    answer = (
        "from pydantic import BaseModel\n\n\nclass Ride(BaseModel):\n    miles: float\n\n\n"
        "def f(miles):\n    return Ride(miles=miles).miles"
    )
    test = (
        f"from pydantic import ValidationError\nassert f('2.5') == 2.5\ntry:\n    f('far')\nexcept {caught} as error:\n"
        "    assert type(error).__name__ == 'ValidationError'\n    (problem,) = error.errors()\n"
        "    assert problem['loc'] == ('miles',) and 'valid number' in problem['msg'], problem\n"
        "    assert 'miles' in str(error) and 'far' in str(error), str(error)\n"
    )
    assert passes(judged(answer, test + "else:\n    raise AssertionError('no error')"))


@pytest.mark.parametrize(
    ("error", "caught"),
    [
        ("class Own(OSError):\n    def __init__(self, a, *, b):\n        super().__init__(a, b)", "OSError"),
        ("class Own(json.JSONDecodeError):\n    def __init__(self, a, *, b):\n        self.a = a", "ValueError"),
        ("class Own(json.JSONDecodeError):\n    def __init__(self, *, b):\n        pass", "json.JSONDecodeError"),
        (
            "class Own(subprocess.CalledProcessError):\n    def __init__(self, **k):\n        self.cmd = k",
            "subprocess.SubprocessError",
        ),
    ],
)
def test_an_error_of_ones_own_is_caught_as_what_it_is_made_from(judged, error, caught):
    arguments = "b=2" if "a," not in error else "1, b=2"
    answer = f"import json\nimport subprocess\n\n\n{error}\n\n\ndef f():\n    raise Own({arguments})"
    test = f"import json\nimport subprocess\ntry:\n    f()\nexcept {caught} as error:\n    str(error)\n"
    test += "    assert type(error).__name__ == 'Own'\n"
    assert passes(judged(answer, test + "else:\n    raise AssertionError('no error')"))


def test_an_exit_is_no_error_that_a_test_could_expect(judged):
    test = "try:\n    f()\nexcept ValueError:\n    pass"
    assert judged("def f():\n    raise SystemExit(0)", test)["ename"] == "AnswerError"
    assert judged("def f():\n    raise KeyboardInterrupt", test)["ename"] == "AnswerError"


@pytest.mark.skipif(not can_fork(), reason="processes are not forked here: IPython is not there before a cell needs it")
def test_what_the_instructors_cells_show_is_not_drawn_beside_the_tests(judged):
    plain = (
        "class Page:\n    drawn = 0\n\n    def _repr_html_(self):\n        Page.drawn += 1\n        return 'page'\n\n\n"
        "from IPython.display import display\n\ndisplay(Page())"
    )
    assert passes(judged("x = 1", "assert x == 1 and Page.drawn == 0, Page.drawn", plain=plain))


def test_a_signature_and_help_can_be_tested(judged):
    test = "import inspect\nassert list(inspect.signature(f).parameters) == ['a', 'b']\nassert f.__doc__ == 'Help.'\n"
    assert passes(
        judged("def f(a, b=3):\n    'Help.'\n    return a", test + "assert callable(f) and f.__name__ == 'f'")
    )


def test_modules_that_the_instructor_uses_may_be_answers(judged):
    assert passes(judged("import math as m", "assert m.sqrt(4) == 2"))
    assert judged("import os as m", "assert m.getpid()")["status"] == "error"


def test_a_table_that_an_answer_changes_is_changed_for_the_test(judged):
    answer = "def f(t):\n    t['b'] = 1\n    t.index.name = 'i'"
    test = "import pandas as pd\nt = pd.DataFrame({'a': [1]})\nf(t)\n"
    test += "assert list(t.columns) == ['a', 'b'] and t.index.name == 'i'"
    assert passes(judged(answer, test))


def test_the_same_object_comes_back_as_the_same(judged):
    test = "import pandas as pd\nt = pd.DataFrame({'a': [1]})\nassert f(t) is t and g(t) is not t"
    assert passes(judged("def f(t):\n    return t\n\n\ndef g(t):\n    return t.copy()", test))


def test_an_answer_keeps_its_state_between_calls(judged):
    answer = "seen = []\n\n\ndef f(x):\n    seen.append(x)\n    return len(seen)"
    assert passes(judged(answer, "assert [f(0), f(0), f(0)] == [1, 2, 3]"))


def test_an_enormous_answer_fails_and_harms_nobody(judged):
    verdict = judged("def f():\n    return range(10**15)", "assert len(list(f())) == 3")
    assert (verdict["status"], verdict["ename"]) == ("error", "MemoryError")
    verdict = judged("def f():\n    return (x for x in iter(int, 1))", "assert sum(f()) == 0")
    assert verdict["status"] == "error"


@pytest.mark.parametrize("value", ["float('nan')", "-1.0", "2.0", "True", "'1'", "[1]"])
@pytest.mark.parametrize("mode", [DATA, GUARDED])
def test_credit_must_be_a_number_within_the_points(judged, value, mode):
    from course_lib.grading.grade_notebook import _out_of_range

    verdict = judged("x = 1", f"x\n{value}", mode)
    cell = Cell("test", "code", "t", "", "", "", {}, "t", 1.0)
    assert "invalid" in verdict or _out_of_range(cell, verdict)


@pytest.mark.parametrize(("value", "credit"), [("0.25", 0.25), ("1", 1), ("None", None), ("np.float64(0.5)", 0.5)])
def test_valid_credit(judged, value, credit):
    verdict = judged("x = 1", f"import numpy as np\nassert x\n{value}")
    assert (verdict["status"], verdict["credit"]) == ("ok", credit)


def test_the_next_notebook_of_a_hand_in_finds_nothing_of_the_one_before(judged, grader):
    draw = "import random\nimport numpy as np\nprint(random.random(), np.random.rand())\nleft = 1\nassert x"
    first = judged("x = 1", draw)
    kept = grader.starter._kept
    second = judged("x = 1", draw.replace("left = 1", "assert 'left' not in globals()"))
    assert kept is not None
    assert passes(first)
    assert passes(second)
    assert first["printed"] == second["printed"]
    assert grader.starter._kept.pid == kept.pid  # it is the same process indeed
    grader.starter.end_kept()
    judged("x = 1", "assert x")
    assert grader.starter._kept.pid != kept.pid


def test_a_judge_that_died_meanwhile_is_replaced(judged, grader):
    assert passes(judged("x = 1", "assert x"))
    grader.starter.end(grader.starter._kept.pid)
    assert passes(judged("x = 1", "assert x"))


def test_a_test_that_is_no_python_says_so(judged):
    assert judged("x = 1", "assert x ==")["ename"] == "SyntaxError"


def test_a_test_that_sees_nothing_of_the_answer_on_data_runs_beside_it(grader):
    """What an answer wrote into a file is not in the judge's folder: there, nobody would ever pass."""
    answer = "from pathlib import Path\n### BEGIN SOLUTION\nPath('out.txt').write_text('42')\n### END SOLUTION"
    empty = "from pathlib import Path\nraise NotImplementedError()"
    test = "from pathlib import Path\nassert Path('out.txt').read_text() == '42'"
    cells = [
        Cell("answer", "code", "a", empty, empty, answer, _entry("a", solution=True), "a"),
        Cell("test", "code", "t", test, test, test, _entry("t", 1, grade=True, locked=True), "t", 1.0),
    ]
    assignment = Assignment("m", "n", cells, {}, frozenset(), frozenset())
    assert calibrate(assignment, grader.starter, LIMITS) == {"t": GUARDED}
