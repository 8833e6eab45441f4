"""How each test of a class is run: decided once for these tests in this environment (see `calibration`).

It takes as long as the instructor's solution does. Processors that have nothing to do meanwhile grade as if all tests
ran on data, as nearly all do; what turns out otherwise is graded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from course_lib.errors import CourseError
from course_lib.grading.assignment import Assignment
from course_lib.grading.calibration import decide
from course_lib.grading.execution import DATA, GUARDED
from course_lib.grading.records import Records

Notebooks = Mapping[str, Mapping[str, str]]  # modes by notebook and grade id; a test that is not in it runs on data
Order = tuple[str, dict[str, Any]]


class Deciding:
    """What has been decided: ``modes`` by module, None until all of it is known."""

    def __init__(self, assignments: Iterable[Assignment], key: str, records: Records) -> None:
        self.assignments = {(a.module, a.name): a for a in assignments}
        self.key, self.records = key, records
        self.modes: Mapping[str, Notebooks] | None = records.modes(key)
        self._found: dict[str, dict[str, Mapping[str, str]]] = {a.module: {} for a in self.assignments.values()}
        self._credits: dict[tuple[Any, bool], Mapping[str, bool]] = {}
        self._open = 2 * len(self.assignments)

    def orders(self) -> list[Order]:
        """What workers must find out. None of it where it is known from before."""
        places = self.assignments if self.modes is None else ()
        return [("calibrate", {"notebook": place, "solved": solved}) for place in places for solved in (True, False)]

    def hear(self, order: dict[str, Any], answer: Any) -> list[Order]:
        """Take an answer; returns what must be found out next. Raises CourseError where that can't be found out."""
        if isinstance(answer, CourseError):
            raise answer
        if isinstance(answer, Exception):
            where = "/".join(order["notebook"])
            raise CourseError(f"the solution of {where} could not be run, so nobody was graded: {answer}") from answer
        self._open -= 1
        place, further = order["notebook"], []
        if "solved" in order:
            self._credits[place, order["solved"]] = answer
            further = self._decide(place)
        self._open += len(further)
        if not self._open:
            self.records.keep_modes(self.key, self._found)
            self.modes = self._found
        return further

    def now(self, module: str) -> Notebooks:
        """How tests are run as far as is known."""
        return self.modes[module] if self.modes is not None else {n: {} for m, n in self.assignments if m == module}

    def holds(self, modes: Notebooks, module: str) -> bool:
        """Whether a grade that was made with these modes is a grade."""
        return all(
            modes[name].get(cell.name, DATA) == self.now(module)[name].get(cell.name, DATA)
            for (where, name), assignment in self.assignments.items()
            if where == module
            for cell in assignment.tests
        )

    def _decide(self, place: tuple[str, str]) -> list[Order]:
        both = [self._credits.get((place, solved)) for solved in (True, False)]
        if both[0] is None or both[1] is None:
            return []
        modes = decide(self.assignments[place], both[0], both[1])
        self._found[place[0]][place[1]] = modes
        return [("calibrate", {"notebook": place, "modes": modes})] if GUARDED in modes.values() else []
