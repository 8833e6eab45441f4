"""The clean rebuild: the instructor's notebook with the student's answers in it, and an account of every repair.

Cells that students don't answer in come from the instructor, whatever became of them. Cells that the student
added, helpers for an answer, say, run where they stood; they run in the student's own process and can reach no test.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from course_lib.grading.assignment import ANSWER, PLAIN, TEST, TEXT, WRITTEN, Assignment, Cell
from course_lib.grading.execution import Step
from course_lib.grading.matching import Matching, match, same_text, unfenced
from course_lib.grading.studentfile import StudentCell, StudentNotebook


@dataclass
class Part:
    """One cell of the rebuilt notebook. ``cell`` is None for one that the student added; ``given`` is the student's."""

    source: str
    cell: Cell | None
    given: StudentCell | None = None

    @property
    def is_code(self) -> bool:
        return self.cell.cell_type == "code" if self.cell else True

    @property
    def name(self) -> str:
        return self.cell.name if self.cell else f"your cell {(self.given.place if self.given else 0) + 1}"


@dataclass
class Rebuilt:
    """The rebuilt notebook, what was repaired, and which answers are as they were released."""

    parts: list[Part]
    repairs: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def steps(self) -> list[tuple[int, Step]]:
        """The code to run, with its place. What comes after the last graded cell can change no grade and is left."""
        graded = [place for place, part in enumerate(self.parts) if _counts(part)]
        last = max(graded, default=-1)
        return [
            (place, Step(part.source, part.name, part.cell))
            for place, part in enumerate(self.parts[: last + 1])
            if part.is_code and part.source.strip()
        ]


def rebuild(assignment: Assignment, notebook: StudentNotebook) -> Rebuilt:
    """Put a student's answers into the instructor's notebook."""
    matching = match(assignment, notebook.cells)
    result = Rebuilt([], list(notebook.notes))
    following = _added_after(matching, notebook.cells)
    result.parts += [Part(cell.source, None, cell) for cell in following.pop(None, []) if cell.cell_type == "code"]
    for place, cell in enumerate(assignment.cells):
        given = matching.found.get(place)
        added = following.get(place, [])
        result.parts.append(_part(cell, given, added, result))
        if cell.kind == PLAIN and not cell.grade_id and given and not same_text(given.source, cell.released):
            # an import added to the notebook's first cell, say
            result.parts.append(Part(given.source, None, given))
        result.parts += [Part(extra.source, None, extra) for extra in added if extra.cell_type == "code"]
    result.repairs += _account(assignment, matching)
    return result


def _part(cell: Cell, given: StudentCell | None, added: list[StudentCell], result: Rebuilt) -> Part:
    if cell.kind not in (ANSWER, WRITTEN):
        return Part(cell.source, cell, given)
    text = given.source if given else ""
    if given and cell.cell_type == "code" and given.cell_type != "code":
        text = unfenced(text)
    if cell.kind == WRITTEN and cell.cell_type == "markdown" and (not text.strip() or same_text(text, cell.released)):
        below = [extra.source for extra in added if extra.cell_type == "markdown"]
        if below:
            text = "\n\n".join(below)
            result.repairs.append(f"the written answer {cell.name} stood in a cell of its own below its place")
    if not text.strip() or same_text(text, cell.released):
        result.unanswered.append(cell.name)
        text = cell.released
    return Part(text, cell, given)


def _added_after(matching: Matching, cells: list[StudentCell]) -> dict[int | None, list[StudentCell]]:
    """The cells that the student added, by the place of the instructor's cell that they stand behind."""
    places = {cell.place: place for place, cell in matching.found.items()}
    added = {cell.place for cell in matching.added}
    following: dict[int | None, list[StudentCell]] = {}
    anchor: int | None = None
    for cell in cells:
        anchor = places.get(cell.place, anchor)
        if cell.place in added:
            following.setdefault(anchor, []).append(cell)
    return following


def _account(assignment: Assignment, matching: Matching) -> list[str]:
    """Every repair in a sentence, in the order of the instructor's notebook."""
    repairs = []
    for place, cell in enumerate(assignment.cells):
        if not cell.grade_id and cell.kind == TEXT:
            continue
        repairs += _repairs_of(cell, matching.found.get(place), matching.how.get(place, ""))
        copies = sum(original == place for original, _ in matching.copies)
        if copies:
            repairs.append(f"{_call(cell)} had been copied; {_count(copies, 'copy', 'copies')} left out")
    return repairs + _moved(assignment, matching)


def _repairs_of(cell: Cell, given: StudentCell | None, how: str) -> list[str]:
    if given is None:
        return [f"{_call(cell)} was missing; it was put back" + (" empty" if cell.kind in (ANSWER, WRITTEN) else "")]
    repairs = []
    if how == "likeness":
        repairs.append(f"{_call(cell)} had lost its ids; it was recognised by its text and its place")
    elif cell.grade_id and given.grade_id != cell.grade_id:
        repairs.append(f"{_call(cell)} had lost its grade id; it was recognised by its {how}")
    if given.cell_type != cell.cell_type:
        repairs.append(f"{_call(cell)} was a {given.cell_type} cell; it was made a {cell.cell_type} cell again")
    edited = cell.kind in (TEST, PLAIN, TEXT) and not same_text(given.source, cell.released)
    if edited and (cell.grade_id or cell.kind == PLAIN):
        repairs.append(f"{_call(cell)} had been edited; it was put back as released")
    return repairs


def _moved(assignment: Assignment, matching: Matching) -> list[str]:
    """The graded cells that don't stand in the instructor's order: those outside the longest run that does."""
    places = [p for p, cell in enumerate(assignment.cells) if p in matching.found and cell.grade_id]
    order = [matching.found[p].place for p in places]
    kept = _longest_rising(order)
    moved = [assignment.cells[p] for p, where in zip(places, order, strict=True) if where not in kept]
    return [f"{_call(cell)} had been moved; it was put back in its place" for cell in moved]


def _longest_rising(numbers: list[int]) -> set[int]:
    """The members of a longest increasing subsequence."""
    ends: list[int] = []
    before: list[int | None] = []
    index: list[int] = []
    for place, number in enumerate(numbers):
        at = bisect_left(ends, number)
        ends[at : at + 1] = [number]
        index[at : at + 1] = [place]
        before.append(index[at - 1] if at else None)
    kept, place = set(), index[-1] if index else None
    while place is not None:
        kept.add(numbers[place])
        place = before[place]
    return kept


def _counts(part: Part) -> bool:
    return part.cell is not None and part.cell.cell_type == "code" and part.cell.kind in (TEST, WRITTEN)


def _call(cell: Cell) -> str:
    kind = {ANSWER: "the answer cell", WRITTEN: "the written answer", TEST: "the test cell"}.get(cell.kind, "the cell")
    return f"{kind} {cell.name}"


def _count(number: int, one: str, many: str) -> str:
    return f"1 {one} was" if number == 1 else f"{number} {many} were"
