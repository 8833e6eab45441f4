"""Decide, from the instructor's own notebook, how each test is run, and whether it works here at all.

A test runs on data in the judge's process if it gives the solution all its points there and the untouched release
none. Otherwise it runs beside the answers (see `execution`). A test that takes points from the solution either way
is broken here: then nobody is graded, rather than everybody wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from course_lib.grading.assignment import ANSWER, TEST, WRITTEN, Assignment, AssignmentError, Cell
from course_lib.grading.execution import DATA, GUARDED, Execution, Step, execute
from course_lib.grading.limits import Limits
from course_lib.grading.processes.starter import Starter
from course_lib.grading.sides import ENDED, HUNG

_ATTEMPTS = 3  # a solution that is stopped may have met a busy moment: how tests are run must not depend on that


def calibrate(assignment: Assignment, starter: Starter, limits: Limits, support: Path | None = None) -> dict[str, str]:
    """The mode of each test by its grade id. Raises AssignmentError, CannotStart."""
    best, empty = (whole_credit(assignment, starter, limits, support, solved=solved) for solved in (True, False))
    modes = decide(assignment, best, empty)
    confirm(assignment, starter, limits, support, modes)
    return modes


def whole_credit(
    assignment: Assignment, starter: Starter, limits: Limits, support: Path | None, *, solved: bool
) -> dict[str, bool]:
    """Which tests, run on data, give all their points to the solution, or to what students start from."""
    if not assignment.tests:
        return {}
    for _attempt in range(_ATTEMPTS):
        run = _run(assignment, starter, limits, support, solved=solved, modes={})
        if not (solved and _was_stopped(run)):
            break
    return {cell.name: _all(cell, run.verdicts) for cell in assignment.tests}


def decide(assignment: Assignment, best: Mapping[str, bool], empty: Mapping[str, bool]) -> dict[str, str]:
    """The modes, by what the tests give to the solution and to the untouched release."""
    return {c.name: DATA if best[c.name] and not empty[c.name] else GUARDED for c in assignment.tests}


def confirm(
    assignment: Assignment, starter: Starter, limits: Limits, support: Path | None, modes: Mapping[str, str]
) -> None:
    """Raises AssignmentError where the solution loses points with these modes."""
    if GUARDED in modes.values():
        _must_pass(assignment, _run(assignment, starter, limits, support, solved=True, modes=modes))


def cells_to_run(assignment: Assignment, *, solved: bool) -> list[Step]:
    """The instructor's notebook as far as its last graded cell, with its solutions or with what students start from."""
    code = [cell for cell in assignment.cells if cell.cell_type == "code" and cell.source.strip()]
    last = max((n for n, cell in enumerate(code) if cell.kind in (TEST, WRITTEN)), default=-1)
    return [
        Step(cell.solution if solved and cell.kind in (ANSWER, WRITTEN) else cell.source, cell.name, cell)
        for cell in code[: last + 1]
    ]


def _run(
    assignment: Assignment,
    starter: Starter,
    limits: Limits,
    support: Path | None,
    *,
    solved: bool,
    modes: Mapping[str, str],
) -> Execution:
    steps = cells_to_run(assignment, solved=solved)
    return execute(assignment, steps, starter, limits=limits, modes=modes, support=support)


def _was_stopped(run: Execution) -> bool:
    """Whether a cell or a test took too long, or took its process down."""
    return any(one.get("status") in (HUNG, ENDED) for one in (*run.replies.values(), *run.verdicts.values()))


def _all(cell: Cell, verdicts: Mapping[str, Any]) -> bool:
    """Whether a test gave all its points."""
    verdict = verdicts.get(cell.name, {})
    return verdict.get("status") == "ok" and "invalid" not in verdict and verdict.get("credit") in (None, cell.points)


def _must_pass(assignment: Assignment, run: Execution) -> None:
    broken = [cell for cell in assignment.tests if not _all(cell, run.verdicts)]
    if broken:
        raise AssignmentError(
            f"{assignment.module}/{assignment.name}: the solution itself loses points here, so nobody was graded. "
            + " ".join(_reasons(broken, run))
            + f" `course verify {assignment.module}` says more."
        )


def _reasons(cells: Iterable[Cell], run: Execution) -> Iterable[str]:
    for cell in cells:
        verdict = run.verdicts.get(cell.name, {})
        what = verdict.get("invalid") or f"{verdict.get('ename', verdict.get('status'))} {verdict.get('evalue', '')}"
        yield f"{cell.name}: {str(what).strip()[:200]}."
