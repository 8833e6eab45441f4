"""Fixtures for tests that grade: the demo course, and processes that are started once for a file of tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from course_lib.grading.calibration import calibrate
from course_lib.grading.grade_notebook import grade_notebook
from course_lib.grading.limits import MB, Limits
from course_lib.grading.outcome import NotebookResult
from course_lib.grading.processes.start_nursery import can_fork
from course_lib.grading.processes.starter import Starter
from course_lib.grading.sides import StudentSide
from course_lib.grading.submissions import HandedFile
from tests.grading.classes.demo_course import SOLVED, DemoCourse

LIMITS = Limits(cell_seconds=4, notebook_seconds=40, memory_bytes=512 * MB, file_bytes=32 * MB, processes=64)


def has_sandbox() -> bool:
    if not can_fork():
        return False
    from course_lib.grading.sandbox import probe

    return probe.probe().problem is None


class Grader:
    """Grades notebooks of the demo course."""

    def __init__(self, course: DemoCourse, starter: Starter) -> None:
        self.course, self.starter = course, starter
        support = course.root / "modules" / "01_demo"
        self.modes = {n: calibrate(a, starter, LIMITS, support) for n, a in course.assignments.items()}
        self.support = support

    def __call__(self, cells: list[dict[str, Any]], name: str = "exercises", **notebook: Any) -> NotebookResult:
        return self.file(self.course.file(cells, **notebook), name)

    def file(self, file: HandedFile | None, name: str = "exercises", limits: Limits = LIMITS) -> NotebookResult:
        assignment = self.course.assignments[name]
        modes = self.modes[name]
        return grade_notebook(assignment, file, self.starter, limits=limits, modes=modes, support=self.support)

    def answers(self, **answers: str) -> NotebookResult:
        """Grade the exercises with these answers, and right ones to everything else."""
        return self(self.course.answered({**SOLVED, **answers}))


def asked_by_the_worker(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What workers ask students' processes from now on, as it comes."""
    asked: list[dict[str, Any]] = []
    ask = StudentSide.ask

    def noted(self: StudentSide, head: dict[str, Any], body: bytes, deadline: float) -> Any:
        asked.append(head)
        return ask(self, head, body, deadline)

    monkeypatch.setattr(StudentSide, "ask", noted)
    return asked


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> DemoCourse:
    return DemoCourse(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def grader(course: DemoCourse) -> Iterator[Grader]:
    """In the sandbox where there is one."""
    starter = Starter(["numpy", "pandas"], LIMITS, sandboxed=has_sandbox())
    yield Grader(course, starter)
    starter.close()


@pytest.fixture(scope="module")
def sandboxed(grader: Grader) -> Grader:
    if not grader.starter.sandboxed:
        pytest.skip("no sandbox on this system")
    return grader


def points(result: NotebookResult) -> dict[str, float | None]:
    """The points of each test."""
    return {test.grade_id: test.points for test in result.tests}


def kinds(result: NotebookResult) -> set[str]:
    """The kinds of flags."""
    return {flag["kind"] for flag in result.flags}


def cells_of(result: NotebookResult) -> list[dict[str, Any]]:
    """The cells of the autograded notebook."""
    return json.loads(result.document or "")["cells"]
