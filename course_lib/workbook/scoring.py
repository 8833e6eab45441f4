"""The points an executed notebook earns, by nbgrader's own rules, and what its failing tests tell a student."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class TaskInfo:
    """An auto-graded task: its answer's grade id, its tests' grade ids in order, and what they are worth together."""

    name: str
    tests: tuple[str, ...]
    points: float


@dataclass
class Score:
    """Points by test; for each task, what is wrong with how its tests fail."""

    earned: dict[str, float] = field(default_factory=dict)

    def of(self, task: TaskInfo) -> float:
        """The points of one task; a test that was not run earns nothing."""
        return sum(self.earned.get(test, 0.0) for test in task.tests)


def tasks_of(notebook: NotebookNode) -> list[TaskInfo]:
    """The auto-graded tasks of a notebook, in order."""
    tests: dict[str, list[tuple[str, float]]] = {}
    for cell in notebook.cells:
        entry = cell.metadata.get("nbgrader", {})
        if entry.get("grade") and not entry.get("solution"):
            name, _, _ = entry["grade_id"].partition("-test")
            tests.setdefault(name, []).append((entry["grade_id"], float(entry["points"])))
    return [TaskInfo(name, tuple(i for i, _ in found), sum(p for _, p in found)) for name, found in tests.items()]


def written_points(notebook: NotebookNode) -> float:
    """What the answers that a person grades are worth."""
    entries = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return sum(float(entry["points"]) for entry in entries if entry.get("grade") and entry.get("solution"))


def score(notebook: NotebookNode) -> Score:
    """Score an executed notebook with nbgrader's `determine_grade`; what a person grades counts for nothing."""
    from nbgrader.utils import determine_grade, is_grade

    result = Score()
    for cell in notebook.cells:
        if is_grade(cell):
            points, _ = determine_grade(cell)
            result.earned[cell.metadata.nbgrader.grade_id] = float(points or 0.0)
    return result


def bad_messages(notebook: NotebookNode, task: TaskInfo) -> list[str]:
    """Failing tests of a task that leave a student without a hint.

    That is an assertion without a message, or a test that breaks by itself (rather than in the student's code).
    Also an answer cell that fails before any test runs: a plausible wrong answer runs.
    """
    problems = []
    answer_count = None
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        if grade_id == task.name:
            answer_count = cell.execution_count
            problems += [f"the answer cell itself fails with {e.ename}: {_plain(e.evalue)}" for e in errors]
        elif grade_id in task.tests:
            problems += [f"{grade_id} {why}" for e in errors if (why := _unhelpful(e, answer_count))]
    return problems


def _unhelpful(error: NotebookNode, answer_count: int | None) -> str | None:
    if error.ename == "AssertionError":
        return None if _plain(error.evalue).strip() else "fails with a bare AssertionError: say what was expected"
    trace = _plain("\n".join(error.get("traceback", [])))
    if answer_count and re.search(rf"Cell In\s*\[{answer_count}\]", trace):
        return None  # raised in the student's own code: the traceback leads there
    return f"breaks with {error.ename}: {_plain(error.evalue)[:200]}, where it should say what was expected"


def _plain(text: str) -> str:
    return _ANSI.sub("", text)
