"""A class as CSV files: for people, for programs, and for the two grade books that most schools have."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from course_lib.grading.outcome import SubmissionResult
from course_lib.grading.records import write_whole
from course_lib.grading.scores import Score
from course_lib.grading.statistics import TaskFacts
from course_lib.grading.submissions import Rejected

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def paths(folder: Path) -> dict[str, Path]:
    """Where each CSV file is."""
    names = ("scores", "tests", "repairs", "flags", "tasks", "canvas", "moodle")
    return {name: folder / f"{name}.csv" for name in names}


def write_all(
    folder: Path,
    results: Sequence[SubmissionResult],
    table: Sequence[Score],
    facts: Sequence[TaskFacts],
    rejected: Sequence[Rejected],
) -> None:
    """Write every CSV file."""
    contents = {
        "scores": _scores(table, rejected),
        "tests": _tests(results),
        "repairs": _notes(results, "repairs"),
        "flags": _notes(results, "flags"),
        "tasks": _tasks(facts),
        "canvas": canvas(table),
        "moodle": moodle(table),
    }
    for name, path in paths(folder).items():
        write_whole(path, as_csv(contents[name]))


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV text. No cell can be taken for a formula by a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def canvas(table: Sequence[Score]) -> list[list[Any]]:
    """Canvas's gradebook: one column a module, points possible in the second row, students known by their login.

    A score that is not final is left empty: Canvas keeps what it has.
    """
    modules, students, by_place = _grid(table)
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *modules]
    possible = ["    Points Possible", "", "", "", "", *(_worth(table, module) for module in modules)]
    rows = [
        [student, "", "", student, "", *(_final(by_place.get((student, module))) for module in modules)]
        for student in students
    ]
    return [head, possible, *rows]


def moodle(table: Sequence[Score]) -> list[list[Any]]:
    """Moodle's grade import: one column a module; students by user name, and by address where the id is one."""
    modules, students, by_place = _grid(table)
    rows = [
        [student, student if "@" in student else "", *(_final(by_place.get((student, m))) for m in modules)]
        for student in students
    ]
    return [["Username", "Email address", *modules], *rows]


def _grid(table: Sequence[Score]) -> tuple[list[str], list[str], dict[tuple[str, str], Score]]:
    modules = sorted({score.module for score in table})
    students = sorted({score.student for score in table})
    return modules, students, {(score.student, score.module): score for score in table}


def _final(score: Score | None) -> float | None:
    return None if score is None else score.final


def _worth(table: Sequence[Score], module: str) -> float:
    return max((score.max_points for score in table if score.module == module), default=0.0)


def _scores(table: Sequence[Score], rejected: Sequence[Rejected]) -> list[list[Any]]:
    head = ["module", "student", "notebook", "status", "points", "max_points", "by_hand", "waiting", "final"]
    rows: list[list[Any]] = [head]
    for score in table:
        for nb in score.notebooks:
            final = None if nb.due else nb.points
            row = [score.module, score.student, nb.name, nb.status, nb.points, nb.max_points, nb.by_hand, nb.due, final]
            rows.append(row)
        whole = [score.points, score.max_points, sum(n.by_hand for n in score.notebooks), score.due, score.final]
        rows.append([score.module, score.student, "all", score.status, *whole])
    rows += [["", entry.origin, "", "malformed", None, None, None, None, None] for entry in rejected]
    return rows


def _tests(results: Sequence[SubmissionResult]) -> list[list[Any]]:
    rows: list[list[Any]] = [["module", "student", "notebook", "test", "points", "max_points", "status", "hint"]]
    for result in results:
        for notebook in result.notebooks:
            rows += [
                [result.module, result.student, notebook.name, t.grade_id, t.points, t.max_points, t.status, t.hint]
                for t in notebook.tests
            ]
    return rows


def _notes(results: Sequence[SubmissionResult], what: str) -> list[list[Any]]:
    rows: list[list[Any]] = [["module", "student", "notebook", *(("kind", "where") if what == "flags" else ()), "what"]]
    for result in results:
        for notebook in result.notebooks:
            place = [result.module, result.student, notebook.name]
            if what == "flags":
                rows += [[*place, flag["kind"], flag["where"], flag["what"]] for flag in notebook.flags]
            else:
                problem = [notebook.problem] if notebook.problem else []
                rows += [[*place, text] for text in problem + notebook.repairs]
    return rows


def _tasks(facts: Sequence[TaskFacts]) -> list[list[Any]]:
    head = ["module", "notebook", "task", "max_points", "students", "solved", "partly", "wrong", "unanswered"]
    rows: list[list[Any]] = [[*head, "mean_share", "splits", "commonest_wrong"]]
    for fact in facts:
        splits = None if fact.splits is None else round(fact.splits, 3)
        worst = fact.wrong[0].text if fact.wrong else ""
        counts = [fact.students, fact.whole, fact.part, fact.none, fact.unanswered]
        rows.append(
            [fact.module, fact.notebook, fact.task, fact.max_points, *counts, round(fact.mean_share, 3), splits, worst]
        )
    return rows


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{round(value, 4):g}"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
