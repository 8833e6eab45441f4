"""Grade one notebook of one student: read, rebuild, run, and say what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_lib.grading import document, flags, studentfile
from course_lib.grading.assignment import ANSWER, TEST, WRITTEN, Assignment, Cell
from course_lib.grading.execution import DATA, WITHHELD, Execution, execute
from course_lib.grading.limits import Limits
from course_lib.grading.outcome import (
    GRADED,
    INFRA_ERROR,
    MALFORMED,
    STUDENT_ERROR,
    TIMEOUT,
    NotebookResult,
    TestOutcome,
    gravest,
)
from course_lib.grading.processes.starter import CannotStart, Starter
from course_lib.grading.rebuild import Part, Rebuilt, rebuild
from course_lib.grading.sides import ENDED, HUNG
from course_lib.grading.submissions import HandedFile

MAX_HINT = 1500
MAX_FLAGS = 25


def grade_notebook(
    assignment: Assignment,
    file: HandedFile | None,
    starter: Starter,
    *,
    limits: Limits,
    modes: Mapping[str, str],
    support: Path | None = None,
) -> NotebookResult:
    """Grade one file. Never raises for anything that a student can do; an infrastructure failure is a status."""
    started = time.monotonic()
    if file is None or file.problem or not file.content:
        problem = file.problem if file and file.problem else "the file is empty" if file else "no file was handed in"
        return _unreadable(assignment, f"{assignment.name}.ipynb: {problem}", file.notes if file else [])
    try:
        notebook = studentfile.read(file.content)
    except studentfile.Malformed as error:
        return _unreadable(assignment, f"{assignment.name}.ipynb could not be read: {error}", file.notes)
    rebuilt = rebuild(assignment, notebook)
    rebuilt.repairs[:0] = file.notes
    steps = rebuilt.steps()
    try:
        run = execute(assignment, [step for _, step in steps], starter, limits=limits, modes=modes, support=support)
    except CannotStart as error:
        return NotebookResult(assignment.name, INFRA_ERROR, problem=str(error), seconds=time.monotonic() - started)
    replies = {place: run.replies[number] for number, (place, _) in enumerate(steps) if number in run.replies}
    result = _result(assignment, rebuilt, run, replies, modes)
    if notebook.malformed:
        result.problem = notebook.malformed
        result.status = gravest([result.status, MALFORMED])
    result.document = document.autograded(rebuilt.parts, result, replies, run.verdicts)
    result.seconds = time.monotonic() - started
    return result


def _unreadable(assignment: Assignment, problem: str, notes: list[str]) -> NotebookResult:
    """Nothing could be taken from the file: no points, and a notebook that says why."""
    tests = [TestOutcome(c.name, c.task, c.points, 0.0, MALFORMED, problem) for c in assignment.tests]
    result = NotebookResult(assignment.name, MALFORMED, tests, list(notes), problem=problem)
    result.unanswered = [cell.name for cell in assignment.cells if cell.kind in (ANSWER, WRITTEN)]
    parts = [Part(cell.released, cell) for cell in assignment.cells]
    result.document = document.autograded(parts, result, {}, {})
    return result


def _result(
    assignment: Assignment,
    rebuilt: Rebuilt,
    run: Execution,
    replies: Mapping[int, dict[str, Any]],
    modes: Mapping[str, str],
) -> NotebookResult:
    sources = {part.name: part.source for part in rebuilt.parts if part.is_code and _is_students(part)}
    found = flags.scan(sources.items()) + flags.from_execution(run.changed, run.notices)
    broken = {
        part.name: reply
        for place, part in enumerate(rebuilt.parts)
        if (reply := replies.get(place, {})) and _failed(reply)
    }
    found += _endings(rebuilt, replies)
    result = NotebookResult(assignment.name, GRADED, repairs=rebuilt.repairs, unanswered=rebuilt.unanswered)
    for cell in assignment.tests:
        verdict = run.verdicts.get(cell.name, {"status": ENDED})
        outcome = _outcome(assignment, cell, verdict, rebuilt, broken)
        if modes.get(cell.name, DATA) != DATA:
            _hold_back(outcome, verdict, flags.grave(found, assignment), result)
        if problem := verdict.get("invalid") or _out_of_range(cell, verdict):
            found.append({"kind": "credit", "where": cell.name, "what": str(problem)})
        result.tests.append(outcome)
    found += _looked_up(assignment, result, sources)
    result.flags = found[:MAX_FLAGS]
    result.status = gravest(test.status for test in result.tests)
    return result


def _outcome(
    assignment: Assignment, cell: Cell, verdict: Mapping[str, Any], rebuilt: Rebuilt, broken: Mapping[str, Any]
) -> TestOutcome:
    outcome = TestOutcome(cell.name, cell.task, cell.points, 0.0, GRADED)
    status = verdict["status"]
    if status == "ok":
        credit = verdict.get("credit")
        if verdict.get("invalid") or _out_of_range(cell, verdict):
            outcome.hint = "The test gave no valid credit; a person will look at it."
        else:
            outcome.points = cell.points if credit is None else float(credit)
        return outcome
    answers = assignment.answers_to(cell)
    unanswered = bool(answers) and all(answer.name in rebuilt.unanswered for answer in answers)
    if status == "error":
        _explain(outcome, verdict, unanswered)
        _blame_broken_cell(outcome, answers, broken, rebuilt)
    elif status == HUNG:
        outcome.status, outcome.error = TIMEOUT, "Timeout"
        whole = "the time for the whole notebook was used up" if verdict.get("notebook") else "it ran for too long"
        outcome.hint = f"This test could not be finished: {whole}."
    elif status == WITHHELD:
        outcome.status, outcome.error = STUDENT_ERROR, "Withheld"
        outcome.hint = f"This test was not run: the notebook replaces {', '.join(verdict['changed'][:3])}."
    else:
        outcome.status, outcome.error = STUDENT_ERROR, "PythonEnded"
        outcome.hint = "Python ended while this test was calling your code (out of memory, or an exit)."
    return outcome


def _explain(outcome: TestOutcome, verdict: Mapping[str, Any], unanswered: bool) -> None:
    name, text = str(verdict.get("ename", "")), str(verdict.get("evalue", ""))
    outcome.hidden, outcome.error = bool(verdict.get("hidden")), name
    own = "\n".join(str(line) for line in verdict.get("student_lines", []))
    if unanswered and name in ("NotImplementedError", "NameError"):
        outcome.hint = "Not answered yet."
    elif name == "AssertionError":
        outcome.hint = text[:MAX_HINT]
    else:
        outcome.status = STUDENT_ERROR
        outcome.hint = (f"{name}: {text}" + (f"\n{own}" if own else ""))[:MAX_HINT]
    if unanswered:
        outcome.status, outcome.error = GRADED, "NotAnswered"


def _blame_broken_cell(outcome: TestOutcome, answers: list[Cell], broken: Mapping[str, Any], rebuilt: Rebuilt) -> None:
    """A name is missing because the cell that should define it failed: say that, and not what followed from it."""
    for answer in answers:
        reply = broken.get(answer.name)
        if reply is None or answer.name in rebuilt.unanswered or outcome.error != "NameError":
            continue
        if reply["status"] == HUNG:
            outcome.status, outcome.error = TIMEOUT, "Timeout"
            outcome.hint = f"Your cell {answer.name} ran for too long and was stopped."
        elif reply["status"] == ENDED:
            outcome.status, outcome.error = STUDENT_ERROR, "PythonEnded"
            outcome.hint = f"Your cell {answer.name} ended Python, so there was nothing to test."
        else:
            what = f"{reply.get('ename')}: {reply.get('evalue')}"[:300]
            outcome.status, outcome.error = STUDENT_ERROR, str(reply.get("ename"))[:60]
            outcome.hint = f"Your cell {answer.name} stopped with {what}"


def _hold_back(outcome: TestOutcome, verdict: Mapping[str, Any], grave: list[str], result: NotebookResult) -> None:
    """A test that ran beside the student's code gives no points by itself where the code looks like a cheat."""
    if outcome.points and grave:
        outcome.points, outcome.error = 0.0, "Withheld"
        outcome.hint = f"A person will look at this answer before it is given points ({', '.join(grave)})."
    if grave or verdict["status"] == WITHHELD:
        result.needs_review.append(outcome.grade_id)


def _looked_up(assignment: Assignment, result: NotebookResult, sources: Mapping[str, str]) -> list[flags.Flag]:
    found = []
    cells = {cell.name: cell for cell in assignment.tests}
    for outcome in result.tests:
        cell = cells[outcome.grade_id]
        if outcome.points == outcome.max_points or not outcome.hidden:
            continue
        for answer in assignment.answers_to(cell):
            flag = flags.looked_up(assignment, cell, answer, sources.get(answer.name, ""))
            found += [flag] if flag else []
    return found


def _endings(rebuilt: Rebuilt, replies: Mapping[int, dict[str, Any]]) -> list[flags.Flag]:
    """Cells that took Python down, or that had to be stopped."""
    words = {ENDED: "ended Python", HUNG: "had to be stopped"}
    return [
        {"kind": "exit" if reply["status"] == ENDED else "time", "where": part.name, "what": words[reply["status"]]}
        for place, part in enumerate(rebuilt.parts)
        if (reply := replies.get(place, {})) and reply["status"] in words
    ]


def _out_of_range(cell: Cell, verdict: Mapping[str, Any]) -> str | None:
    credit = verdict.get("credit")
    if verdict["status"] != "ok" or credit is None or 0 <= credit <= cell.points:
        return None
    return f"the test gave {credit:g} of {cell.points:g} points"


def _failed(reply: Mapping[str, Any]) -> bool:
    return reply["status"] in ("error", ENDED, HUNG)


def _is_students(part: Part) -> bool:
    return part.cell is None or part.cell.kind in (ANSWER, WRITTEN)


__all__ = ["TEST", "grade_notebook"]
