"""`course verify` proves good tasks, and catches every way in which a task can fail to prove itself."""

from __future__ import annotations

import json

import pytest

from course_lib.workbook.quiz import Quiz
from course_lib.workbook.quiz_answers import tries
from course_lib.workbook.strict_yaml import load
from course_lib.workbook.verify import verify
from tests.workbook.small_course import MODULE, QUIZ, edit, files_of, write


@pytest.fixture(scope="module")
def proven(tmp_path_factory):
    root = write(tmp_path_factory.mktemp("verify") / "course")
    before = files_of(root)
    report = verify(root=root, jobs=2)
    assert files_of(root) == before, "verify must not write"
    return report


@pytest.fixture
def exercises(course):
    """The small course with its exercises alone, to be quick."""
    (course / "solutions" / MODULE / "quiz.yml").unlink()
    (course / "solutions" / MODULE / "lesson.md").unlink()
    return course


def answer(root, name, task, loses, code):
    text = f"# task: {task}\n# loses: {loses}\n# why: For this test.\n\n{code}\n"
    (root / "solutions" / MODULE / "wrong_answers" / name).write_text(text, encoding="utf-8")


def without(root, *keep):
    """Fewer wrong answers, for speed; the report then also says that there are too few."""
    for path in (root / "solutions" / MODULE / "wrong_answers").glob("*.py"):
        if path.name not in keep:
            path.unlink()


def problems(root) -> str:
    return "\n".join(verify(root=root, jobs=2).all_problems())


def test_a_good_module_is_proven(proven):
    assert proven.all_problems() == []
    rows = {t.task: (t.points, t.solution, t.release, t.killed, t.wrong_answers) for t in proven.tasks}
    assert rows["double"] == (8, 8, 0, 3, 3)
    assert rows["stage"] == (8, 8, 0, 3, 3)
    assert {name: row[:3] for name, row in rows.items()} == {
        "double": (8, 8, 0),
        "stage": (8, 8, 0),
        "leak": (3, 3, 0),
        "tools": (4, 4, 0),
        "error": (3, 3, 0),
    }
    assert all(row[3] == row[4] >= 3 for row in rows.values())


def test_one_run_serves_all_questions_of_a_quiz(proven):
    """For the exercises six wrong answers, solution and release; for the quiz as many as one question needs."""
    most = max(len(tries(question)) for question in Quiz.model_validate(load(QUIZ)[0]).questions)
    assert proven.runs == 6 + 2 + 2 + most


def test_a_wrong_answer_that_survives(exercises):
    without(exercises)
    answer(exercises, "survivor.py", "double", 6, "def double(n):\n    return n * 2")
    assert "double: wrong answer survivor loses 0 points, and should lose 6" in problems(exercises)


def test_a_wrong_answer_that_loses_too_much(exercises):
    without(exercises)
    answer(exercises, "harsh.py", "stage", 1, "stage = 'evaluation'")
    assert "stage: wrong answer harsh loses 6 points, and should lose 1" in problems(exercises)


def test_too_few_wrong_answers(exercises):
    without(exercises, "double_zero.py")
    found = problems(exercises)
    assert f"{MODULE}/exercises: double has 1 wrong answers beside it, and needs 3 at least" in found
    assert f"{MODULE}/exercises: stage has 0 wrong answers" in found


def test_a_solution_that_does_not_earn_its_points(exercises):
    without(exercises)
    edit(exercises / "solutions" / MODULE / "exercises.md", "twice = n + n", "twice = n + 3")
    found = problems(exercises)
    assert "double: solution earns 0 of 8 points: AssertionError: Expected 4 for 2, got 5." in found


def test_a_solution_that_warns_costs_its_points(exercises):
    without(exercises)
    edit(
        exercises / "solutions" / MODULE / "exercises.md",
        "twice = n + n",
        "import sys; print('hm', file=sys.stderr); twice = n + n",
    )
    assert "double: solution earns 0 of 8 points: it prints to stderr: hm" in problems(exercises)


def test_a_release_that_earns_points_for_nothing(exercises):
    without(exercises)
    text = exercises / "solutions" / MODULE / "exercises.md"
    edit(
        text,
        '### BEGIN SOLUTION\nstage = "monitoring"',
        'stage = "evaluation"\n### BEGIN SOLUTION\nstage = "monitoring"',
    )
    assert "stage: the untouched release earns 2 points" in problems(exercises)


def test_a_test_that_says_nothing(exercises):
    without(exercises, "double_zero.py")
    text = exercises / "solutions" / MODULE / "exercises.md"
    edit(
        text,
        'assert double(2) == 4, f"Expected 4 for 2, got {double(2)}. Hint: add it to itself."',
        "assert double(2) == 4",
    )
    assert "double: wrong answer double_zero: double-test fails with a bare AssertionError" in problems(exercises)


def test_a_test_that_breaks_where_it_should_speak(exercises):
    without(exercises)
    answer(exercises, "nothing.py", "stage", 8, "stage = None")
    text = exercises / "solutions" / MODULE / "exercises.md"
    edit(
        text,
        'assert isinstance(stage, str), f"Expected the name of a stage, got {stage!r}. Hint: it is a text."',
        "stage.lower()",
    )
    assert "stage: wrong answer nothing: stage-test breaks with AttributeError" in problems(exercises)


def test_an_error_in_the_student_s_own_code_is_theirs(exercises):
    without(exercises)
    answer(exercises, "raises.py", "double", 8, "def double(n):\n    return n.nothing")
    assert "raises" not in problems(exercises)


def test_an_answer_that_fails_before_any_test(exercises):
    without(exercises)
    answer(exercises, "crash.py", "stage", 8, "stage = fare")
    assert "wrong answer crash: the answer cell itself fails with NameError" in problems(exercises)


def test_a_kernel_that_dies_is_told_and_proves_nothing(exercises):
    without(exercises)
    answer(exercises, "suicide.py", "double", 8, "import os\nos._exit(1)")
    assert "double: wrong answer suicide: the kernel died" in problems(exercises)


def test_points_must_add_up(course):
    for name in ("exercises.md", "lesson.md"):
        (course / "solutions" / MODULE / name).unlink()
    (course / "solutions" / MODULE / "quiz.yml").write_text(QUIZ.partition("- id: tools")[0], encoding="utf-8")
    assert problems(course) == f"{MODULE}/quiz is worth 3 points, and should be worth 10"


def test_a_mistake_in_a_file_is_told_and_other_modules_go_on(exercises):
    (exercises / "solutions" / MODULE / "wrong_answers" / "bad.py").write_text("x = 1\n", encoding="utf-8")
    found = problems(exercises)
    assert "bad.py:1: no “task”" in found


@pytest.mark.usefixtures("exercises")
def test_the_command_prints_a_table_or_json(command):
    code, out, err = command("verify", "--json", "--jobs", "2")
    assert code == 0, err
    said = json.loads(out)
    assert [task["task"] for task in said["tasks"]] == ["double", "stage"]
    assert said["tasks"][0]["killed"] == 3
    assert said["problems"] == []
    assert "3 of 3  ✓" in err
    assert "2 tasks proven in 8 runs" in err


def test_the_command_fails_with_the_reasons(exercises, command):
    without(exercises)
    code, out, err = command("verify")
    assert (code, out) == (1, "")
    assert "Error: not proven:" in err
    assert "needs 3 at least" in err
