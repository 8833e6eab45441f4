"""The author's short cell options, and the nbgrader metadata they stand for.

============================  ==========================================================================
``:answer: name``             code cell in which the student answers; ``### BEGIN SOLUTION`` … inside
``:test: name``               locked tests of that answer, worth ``:points:``; a second one needs ``:case:``
``+++ {"written": "name"}``   text cell graded by hand, worth ``"points"``; its text is the model answer
============================  ==========================================================================

Any cell may have ``tags``, and a code cell ``:alt: text``, which says what its figure shows to readers who can't see
it: it stays in the cell's metadata, where nbconvert and our pages look for it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

SCHEMA_VERSION = 3
_OPTIONS = {
    "code": ("answer", "test", "points", "case", "tags", "alt"),
    "markdown": ("written", "points", "tags"),
    "raw": (),
}
_STAY = ("tags", "alt")  # are the cell's metadata as they stand
# each marked region, and the option of the only kind of cell in which nbgrader takes it out
_REGIONS = {"SOLUTION": "answer", "HIDDEN TESTS": "test", "MARK SCHEME": "written"}
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

Problem = tuple[int, str]


@dataclass(frozen=True)
class Located:
    """A cell, the line of the text, from 1, at which it begins, and the one at which its own text does."""

    cell: NotebookNode
    line: int
    body: int


def expand_options(cells: list[Located]) -> list[Problem]:
    """Replace each cell's short options by nbgrader metadata, in place; return every problem with its line."""
    problems: list[Problem] = []
    for located in cells:
        problems += _unknown_options(located) or [
            *_expand(located),
            *_region_problems(located),
            *_alt_problems(located),
        ]
    problems += _duplicates(cells) + _pairing_problems(cells)
    for located in cells:
        located.cell.metadata.pop("course", None)
    return problems


def nbgrader_metadata(
    grade_id: str, *, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None
) -> dict[str, Any]:
    """One cell's nbgrader entry, in the form of schema version 3."""
    entry = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": SCHEMA_VERSION,
        "solution": solution,
        "task": False,
    }
    return entry if points is None else {**entry, "points": points}


def _unknown_options(located: Located) -> list[Problem]:
    kind, known = located.cell.cell_type, _OPTIONS[located.cell.cell_type]
    problems = []
    for name in located.cell.metadata:
        if name in known:
            continue
        elsewhere = [other for other, options in _OPTIONS.items() if name in options]
        near = difflib.get_close_matches(str(name), known, n=1)
        if elsewhere:
            hint = f"it belongs to a {elsewhere[0]} cell, and this is a {kind} cell"
        else:
            hint = f"did you mean “{near[0]}”?" if near else f"known are {', '.join(known)}"
        problems.append((located.line, f"unknown option “{name}”: {hint}"))
    return problems


def _expand(located: Located) -> list[Problem]:
    """Turn one cell's options into metadata; ``course`` keeps what the checks over all cells need."""
    cell, line = located.cell, located.line
    options = {name: cell.metadata.pop(name) for name in list(cell.metadata) if name not in _STAY}
    kinds = [name for name in ("answer", "test", "written") if name in options]
    if len(kinds) > 1:
        return [(line, f"a cell is one thing: {' and '.join(kinds)} exclude each other")]
    if not kinds:
        return [(line, f"“{name}” without “test” or “written”") for name in options]
    kind = kinds[0]
    name = options[kind]
    if not isinstance(name, str) or not _ID.fullmatch(name):
        given = "none is given" if name is None or name == "" else f"{name!r} is not one"
        return [(line, f"“{kind}” needs a grade id (letters, digits and _; a letter first): {given}")]
    problems = []
    case = options.get("case")
    if case is not None and not (isinstance(case, str) and _ID.fullmatch(case)):
        problems.append((line, f"“case” is {case!r}, and should be a word such as edges"))
    points, wrong = _points(kind, options, line)
    cell.metadata["course"] = {"kind": kind, "task": name}
    grade_id = name if kind != "test" else f"{name}-test" + (f"-{case}" if case else "")
    cell.metadata["nbgrader"] = nbgrader_metadata(
        grade_id, grade=kind != "answer", solution=kind != "test", locked=kind == "test", points=points
    )
    return problems + wrong


def _points(kind: str, options: dict[str, Any], line: int) -> tuple[float | None, list[Problem]]:
    points = options.get("points")
    if kind == "answer":
        stray = [name for name in ("points", "case") if name in options]
        return None, [(line, f"an answer has no “{name}”: its tests have") for name in stray]
    if points is None:
        return None, [(line, f"“{kind}” needs points")]
    if isinstance(points, bool) or not isinstance(points, (int, float)) or not points > 0:
        return None, [(line, f"points is {points!r}, and should be a number above 0")]
    return points, []


def _alt_problems(located: Located) -> list[Problem]:
    alt = located.cell.metadata.get("alt", "text")
    if isinstance(alt, str) and alt.strip():
        return []
    return [(located.line, f"alt is {alt!r}, and should be a sentence that says what the figure shows")]


def _region_problems(located: Located) -> list[Problem]:
    """Markers that don't pair up, or stand where nbgrader would leave the region for students to read."""
    kind = located.cell.metadata.get("course", {}).get("kind")
    problems, found = [], set()
    for region, owner in _REGIONS.items():
        open_since = None
        for line, text in enumerate(located.cell.source.split("\n"), located.body):
            if f"BEGIN {region}" in text:
                if open_since:
                    problems.append((line, f"BEGIN {region} again, before the END {region} of line {open_since}"))
                open_since = line
                found.add(region)
            elif f"END {region}" in text:
                if not open_since:
                    problems.append((line, f"END {region} without its BEGIN {region}"))
                open_since = None
        if open_since:
            problems.append((open_since, f"BEGIN {region} without its END {region}"))
        if region in found and kind != owner:
            problems.append((located.line, f"a {region} region needs a grade id: give the cell the option “{owner}”"))
    if kind == "answer" and "SOLUTION" not in found:
        problems.append((located.line, "an answer needs ### BEGIN SOLUTION and ### END SOLUTION around its solution"))
    return problems


def _duplicates(cells: list[Located]) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for located in cells:
        grade_id = located.cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in seen:
            more = "; a second test of a task needs its own “case”" if "-test" in grade_id else ""
            problems.append((located.line, f"the grade id “{grade_id}” is used in line {seen[grade_id]} already{more}"))
        elif grade_id:
            seen[grade_id] = located.line
    return problems


def _pairing_problems(cells: list[Located]) -> list[Problem]:
    """Tests of an answer that isn't there (yet), and answers that nothing tests."""
    answers: dict[str, int] = {}
    tested, problems = set(), []
    for located in cells:
        mark = located.cell.metadata.get("course", {})
        if mark.get("kind") == "answer":
            answers[mark["task"]] = located.line
        elif mark.get("kind") == "test":
            tested.add(mark["task"])
            if mark["task"] not in answers:
                near = difflib.get_close_matches(mark["task"], answers, n=1)
                hint = f"; did you mean “{near[0]}”?" if near else ""
                problems.append((located.line, f"“{mark['task']}” is tested before any cell answers it{hint}"))
    problems += [(line, f"nothing tests the answer “{task}”") for task, line in answers.items() if task not in tested]
    return problems
