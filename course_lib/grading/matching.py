"""Which of a student's cells is which of the instructor's.

Three ways, each for what the one before has left: the grade id, the cell id, and order and likeness. What is
still left are copies of known cells, and cells that the student added.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass, field

from course_lib.grading.assignment import ANSWER, PLAIN, TEST, TEXT, WRITTEN, Assignment, Cell
from course_lib.grading.sourcecode import bound_names
from course_lib.grading.studentfile import StudentCell

_ALIKE = 0.6
_COPY = 0.9
_COMPARED = 4000
_CONSIDERED = 200


@dataclass
class Matching:
    """``found`` by the place of the instructor's cell; ``copies`` and ``added`` are the rest, in their order."""

    found: dict[int, StudentCell] = field(default_factory=dict)
    how: dict[int, str] = field(default_factory=dict)
    copies: list[tuple[int, StudentCell]] = field(default_factory=list)
    added: list[StudentCell] = field(default_factory=list)


def match(assignment: Assignment, cells: list[StudentCell]) -> Matching:
    """Find each of the instructor's cells among the student's."""
    matcher = _Matcher(assignment.cells, cells)
    matcher.by_grade_id()
    matcher.by_cell_id()
    matcher.by_text()
    matcher.by_likeness()
    matcher.sort_out_the_rest()
    return matcher.result


def same_text(one: str, other: str) -> bool:
    """Equal but for blanks at the ends of lines and empty lines around."""
    return _plain(one) == _plain(other)


def likeness(one: str, other: str) -> float:
    """0 for nothing in common, 1 for the same text."""
    one, other = _plain(one)[:_COMPARED], _plain(other)[:_COMPARED]
    if not one or not other:
        return 0.0
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() > 0.3 and matcher.quick_ratio() > 0.3 else 0.0


class _Matcher:
    def __init__(self, ours: list[Cell], theirs: list[StudentCell]) -> None:
        self.ours, self.theirs = ours, theirs
        self.result = Matching()
        self.used: set[int] = set()
        self.known = {cell.grade_id: place for place, cell in enumerate(ours) if cell.grade_id}

    def by_grade_id(self) -> None:
        candidates = defaultdict(list)
        for cell in self.theirs:
            if cell.grade_id in self.known:
                candidates[self.known[cell.grade_id]].append(cell)
        for place, cells in candidates.items():
            best = max(cells, key=lambda cell: self._preference(place, cell))
            self._take(place, best, "grade id")
            for copy in cells:
                if copy is not best:
                    self.used.add(copy.place)
                    self.result.copies.append((place, copy))

    def by_cell_id(self) -> None:
        places = {cell.id: place for place, cell in enumerate(self.ours) if cell.id}
        candidates = defaultdict(list)
        for cell in self._left():
            if cell.id in places and places[cell.id] not in self.result.found:
                candidates[places[cell.id]].append(cell)
        for place, cells in candidates.items():
            if len(cells) > 1:  # ids that were copied along with their cells
                released = self.ours[place].released
                cells.sort(key=lambda cell: (likeness(cell.source, released), cell.place))
            self._take(place, cells[-1], "cell id")

    def by_text(self) -> None:
        """Cells that students don't change are recognised by their text alone."""
        left = self._left()
        for place, ours in self._missing(PLAIN, TEXT, TEST):
            for cell in left:
                if cell.place not in self.used and cell.source.strip() and same_text(cell.source, ours.released):
                    self._take(place, cell, "text")
                    break

    def by_likeness(self) -> None:
        """Answers change, but keep their names, their place between other cells, or some of their text."""
        pairs = []
        for place, ours in self._missing(ANSWER, WRITTEN, TEST):
            low, high = self._between(place)
            for cell in self._left()[:_CONSIDERED]:
                score = self._score(ours, cell, low < cell.place < high)
                if score > _ALIKE:
                    pairs.append((-score, place, cell.place, cell))
        for _, place, _, cell in sorted(pairs, key=lambda pair: pair[:3]):
            if place not in self.result.found and cell.place not in self.used:
                self._take(place, cell, "likeness")

    def sort_out_the_rest(self) -> None:
        for cell in self._left():
            if not cell.source.strip():
                continue
            original = self._copied(cell)
            if original is None:
                self.result.added.append(cell)
            else:
                self.result.copies.append((original, cell))

    def _score(self, ours: Cell, cell: StudentCell, between: bool) -> float:
        if ours.kind == WRITTEN and ours.cell_type == "markdown":
            return 0.7 if between and cell.cell_type == "markdown" else likeness(ours.released, cell.source)
        alike = likeness(ours.released, cell.source)
        if ours.kind == TEST:
            return alike
        names = bound_names(ours.solution)
        shared = len(names & bound_names(unfenced(cell.source))) / len(names) if names else 0.0
        return 2 * shared + alike + 0.2 * between

    def _copied(self, cell: StudentCell) -> int | None:
        for place, ours in enumerate(self.ours):
            if ours.kind in (TEST, TEXT, PLAIN) and same_text(cell.source, ours.released):
                return place
            if ours.kind == TEST and cell.cell_type == "code" and likeness(cell.source, ours.released) > _COPY:
                return place
        return None

    def _preference(self, place: int, cell: StudentCell) -> tuple[bool, bool, bool, int]:
        ours = self.ours[place]
        changed = bool(cell.source.strip()) and not same_text(cell.source, ours.released)
        is_answer = ours.kind in (ANSWER, WRITTEN)
        return (changed if is_answer else not changed, cell.id == ours.id, cell.cell_type == ours.cell_type, cell.place)

    def _between(self, place: int) -> tuple[int, int]:
        before = [self.result.found[p].place for p in range(place) if p in self.result.found]
        after = [self.result.found[p].place for p in range(place + 1, len(self.ours)) if p in self.result.found]
        return max(before, default=-1), min(after, default=len(self.theirs) + 1)

    def _missing(self, *kinds: str) -> list[tuple[int, Cell]]:
        return [(p, c) for p, c in enumerate(self.ours) if c.kind in kinds and p not in self.result.found]

    def _left(self) -> list[StudentCell]:
        return [cell for cell in self.theirs if cell.place not in self.used]

    def _take(self, place: int, cell: StudentCell, how: str) -> None:
        self.result.found[place], self.result.how[place] = cell, how
        self.used.add(cell.place)


def unfenced(source: str) -> str:
    """Code that was pasted into a text cell, without the fence around it."""
    lines = source.strip().split("\n")
    if lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return source


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))
