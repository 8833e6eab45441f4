"""A tiny course for tests of grading: one module, an exercises notebook and a quiz, built and released."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_lib.grading.assignment import Assignment, load_module
from course_lib.grading.submissions import HandedFile

MODULE = "01_demo"

TOTAL = """def total(values):
    \"\"\"The sum of the values.\"\"\"
    ### BEGIN SOLUTION
    return sum(values)
    ### END SOLUTION"""
TOTAL_TEST = """def expect(values, expected):
    got = total(values)
    assert got == expected, f"Expected {expected}, got {got}. Hint: add them up."


expect([1, 2, 318], 321)

### BEGIN HIDDEN TESTS
expect([4, 5, 4812], 4821)
expect([], 0)
### END HIDDEN TESTS"""

DROP = """def drop_short(trips):
    \"\"\"The trips of a minute or more.\"\"\"
    ### BEGIN SOLUTION
    return trips[trips["duration"] >= 1]
    ### END SOLUTION"""
DROP_ROWS = """import numpy as np
import pandas as pd

trips = pd.DataFrame({"duration": [0.5, 1.0, 731.0]}, index=["a", "b", "c"])
kept = drop_short(trips)
assert isinstance(kept, pd.DataFrame), f"Expected a DataFrame, got {type(kept).__name__}."
assert list(kept.index) == ["b", "c"], f"Expected rows b and c, got {list(kept.index)}."

### BEGIN HIDDEN TESTS
other = pd.DataFrame({"duration": [3.0, 0.99, 88.25]}, index=[7, 8, 9])
kept = drop_short(other)
assert list(kept.index) == [7, 9], f"On other trips, expected rows 7 and 9, got {list(kept.index)}."
np.testing.assert_allclose(kept["duration"], [3.0, 88.25], err_msg="Expected the durations unchanged.")
### END HIDDEN TESTS"""
DROP_SAME = """import pandas as pd

### BEGIN HIDDEN TESTS
trips = pd.DataFrame({"duration": [0.5, 2.0]})
before = trips.copy()
drop_short(trips)
assert trips.equals(before), "Expected trips to stay as it was. Hint: work on a copy."
### END HIDDEN TESTS"""

STAGES = """stages = {}
### BEGIN SOLUTION
stages = {"a": "planning", "b": "monitoring"}
### END SOLUTION"""
STAGES_TEST = """given = {str(k): str(v) for k, v in dict(stages).items()}
assert given, "Expected a stage for each letter, got none."

### BEGIN HIDDEN TESTS
right = sum(given.get(letter) == stage for letter, stage in {"a": "planning", "b": "monitoring"}.items())
assert right, "None is right."
float(right)
### END HIDDEN TESTS"""

COUNTER = """class Counter:
    ### BEGIN SOLUTION
    def __init__(self):
        self.count = 0

    def add(self, number):
        self.count += number
        return self
    ### END SOLUTION"""
COUNTER_TEST = """counter = Counter()
assert counter.add(2).count == 2, f"Expected 2, got {counter.count}."

### BEGIN HIDDEN TESTS
assert counter.add(40).count == 42, f"Expected 42, got {counter.count}."
### END HIDDEN TESTS"""

CHOICE = """# one letter in quotes
### BEGIN SOLUTION
leak = "b"
### END SOLUTION"""
CHOICE_TEST = """### BEGIN HIDDEN TESTS
print("a: the fare is known after the ride.")
### END HIDDEN TESTS
_answer = globals().get("leak")
assert _answer is not None, "leak is not answered yet."
### BEGIN HIDDEN TESTS
assert _answer == "b", "b is right."
### END HIDDEN TESTS"""

SOLVED = {
    "total": "def total(values):\n    return sum(values)",
    "drop_short": 'def drop_short(trips):\n    return trips[trips["duration"] >= 1]',
    "stages": 'stages = {"a": "planning", "b": "monitoring"}',
    "Counter": (
        "class Counter:\n    def __init__(self):\n        self.count = 0\n\n"
        "    def add(self, number):\n        self.count += number\n        return self"
    ),
    "why": "Because riders ask, and a rule of thumb is not good enough at night.",
    "leak": 'leak = "b"',
}
POINTS = {
    "total-test": 3.0,
    "drop_short-test-rows": 3.0,
    "drop_short-test-same": 1.0,
    "stages-test": 2.0,
    "Counter-test": 2.0,
    "leak-test": 1.0,
}


def _entry(grade_id: str, points: float | None = None, **roles: bool) -> dict[str, Any]:
    names = ("grade", "locked", "solution", "task")
    entry = {"grade_id": grade_id, "schema_version": 3, **{name: roles.get(name, False) for name in names}}
    return {"nbgrader": entry if points is None else {**entry, "points": points}}


def _code(source: str, name: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": name, "metadata": metadata or {}, "source": source, "outputs": [],
        "execution_count": None,
    }  # fmt: skip


def _text(source: str, name: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": metadata or {}, "source": source}


def _answer(name: str, source: str) -> dict[str, Any]:
    return _code(source, name, _entry(name, solution=True))


def _test(name: str, source: str) -> dict[str, Any]:
    return _code(source, name, _entry(name, POINTS[name], grade=True, locked=True))


def solution_cells() -> dict[str, list[dict[str, Any]]]:
    """The instructor's cells of both notebooks."""
    quiz_answer = _answer("leak", CHOICE)
    quiz_answer["metadata"]["course"] = {"stub": "leak = None"}
    return {
        "exercises": [
            _text("# Exercises", "title"),
            _code("import pandas as pd", "imports"),
            _text("## Add up", "total-prose"),
            _answer("total", TOTAL),
            _test("total-test", TOTAL_TEST),
            _answer("drop_short", DROP),
            _test("drop_short-test-rows", DROP_ROWS),
            _test("drop_short-test-same", DROP_SAME),
            _answer("stages", STAGES),
            _test("stages-test", STAGES_TEST),
            _answer("Counter", COUNTER),
            _test("Counter-test", COUNTER_TEST),
            _code('print("together", total([1, 2]))', "together"),
            _text("Because riders ask.", "why", _entry("why", 4, grade=True, solution=True)),
        ],
        "quiz": [_text("# Quiz", "quiz-title"), quiz_answer, _test("leak-test", CHOICE_TEST)],
    }


class DemoCourse:
    """The course's folder, and what students make of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        solutions = root / "solutions" / MODULE
        solutions.mkdir(parents=True)
        for name, cells in solution_cells().items():
            _write(solutions / f"{name}.ipynb", cells)
        self.assignments: dict[str, Assignment] = {a.name: a for a in load_module(solutions)}
        released = root / "modules" / MODULE
        released.mkdir(parents=True)
        for name in self.assignments:
            _write(released / f"{name}.ipynb", self.released(name))
        (released / "notes.txt").write_text("a file that students were given\n", encoding="utf-8")

    def released(self, name: str) -> list[dict[str, Any]]:
        """A released notebook's cells, to be changed as a student would."""
        cells = copy.deepcopy(solution_cells()[name])
        for raw, cell in zip(cells, self.assignments[name].cells, strict=True):
            raw["source"] = cell.released
            raw["metadata"].pop("course", None)
        return cells

    def answered(self, answers: Mapping[str, str], name: str = "exercises") -> list[dict[str, Any]]:
        """A released notebook's cells with answers by grade id."""
        cells = self.released(name)
        for raw in cells:
            raw["source"] = answers.get(raw["id"], raw["source"])
        return cells

    def file(self, cells: list[dict[str, Any]], **notebook: Any) -> HandedFile:
        """The file that a student would hand in with these cells."""
        return HandedFile("notebook.ipynb", content(cells, **notebook))


def content(cells: list[dict[str, Any]], **notebook: Any) -> bytes:
    """A notebook's bytes."""
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    data = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells, **notebook}
    return json.dumps(data).encode()


def _write(path: Path, cells: list[dict[str, Any]]) -> None:
    path.write_bytes(content(cells))
