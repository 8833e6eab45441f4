"""Grading begins before it is decided how tests are run; what was graded otherwise than decided is graded again."""

from __future__ import annotations

import pytest

from course_lib.errors import CourseError
from course_lib.grading import calibration, grade_class, modes
from course_lib.grading.execution import DATA, GUARDED
from course_lib.grading.pool import Pool, WorkerLost
from course_lib.grading.sides import HUNG
from tests.grading.classes.bad_input import GOOD, good_class
from tests.grading.classes.fixtures import LIMITS
from tests.grading.classes.test_class import grades_of, run


class Late(Pool):
    """A pool in which somebody is graded before it is known how tests are run."""

    graded: list[tuple[str, dict[str, dict[str, str]]]] = []  # noqa: RUF012

    def run(self, orders):
        held = []
        for order, answer in super().run(orders):
            if "submission" not in order and not self.graded:
                held.append((order, answer))
                continue
            if "submission" in order:
                self.graded.append((order["submission"].student, order["modes"]))
            yield order, answer
            yield from held
            held.clear()


@pytest.fixture
def late(monkeypatch):
    monkeypatch.setattr(grade_class, "Pool", Late)
    monkeypatch.setattr(Late, "graded", [])
    return Late.graded


@pytest.fixture
def base(course, tmp_path):
    good_class(tmp_path / "in", course)
    return tmp_path


def ways(of: dict[str, dict[str, str]]) -> set[str]:
    return {way for notebook in of.values() for way in notebook.values()} or {DATA}


def test_what_was_graded_early_counts_where_all_tests_run_on_data(base, course, late, monkeypatch):
    monkeypatch.setattr(modes, "decide", lambda a, _best, _empty: {c.name: DATA for c in a.tests})
    result = run(course, base / "in", base)
    assert sorted(student for student, _ in late) == sorted(GOOD)
    assert late[0][1] == {"exercises": {}, "quiz": {}}
    assert result.graded == len(GOOD)


def test_what_was_graded_early_is_graded_again_where_a_test_does_not(base, course, late, monkeypatch, tmp_path_factory):
    monkeypatch.setattr(modes, "decide", lambda a, _best, _empty: {c.name: GUARDED for c in a.tests})
    result = run(course, base / "in", base)
    last = dict(late)
    assert len(late) > len(GOOD)
    assert ways(late[0][1]) == {DATA}
    assert [ways(last[name]) for name in GOOD] == [{GUARDED}] * len(GOOD)
    monkeypatch.setattr(grade_class, "Pool", Pool)
    other = tmp_path_factory.mktemp("other")
    assert grades_of(result) == grades_of(run(course, base / "in", other))
    assert result.graded == len(GOOD)


def test_what_was_decided_is_kept(base, course, late):
    run(course, base / "in", base)
    late.clear()
    run(course, base / "in", base, force=True)
    assert all(notebook for _, of in late for notebook in of.values())  # known from the start, test by test


def test_a_machine_that_fails_meanwhile_is_told_of_and_grades_nobody(base, course, monkeypatch):
    class Failing(Pool):
        def run(self, orders):
            for order, answer in super().run(orders):
                yield order, answer if "submission" in order else WorkerLost("the grading process ended 3 times")

    monkeypatch.setattr(grade_class, "Pool", Failing)
    with pytest.raises(CourseError, match="so nobody was graded: the grading process ended 3 times"):
        run(course, base / "in", base)
    assert not (base / "gradebook" / "autograded").exists()


def test_a_solution_that_met_a_busy_moment_is_run_again(course, grader, monkeypatch):
    real, runs = calibration._run, []

    def busy(*given, **named):
        done = real(*given, **named)
        if not runs:  # a first run in which everything took too long
            done.verdicts = {name: {"status": HUNG} for name in done.verdicts}
        runs.append(done)
        return done

    monkeypatch.setattr(calibration, "_run", busy)
    quiz = course.assignments["quiz"]
    assert calibration.whole_credit(quiz, grader.starter, LIMITS, None, solved=True) == {"leak-test": True}
    assert len(runs) == 2
