"""Which cell of a student's notebook is which cell of the release, and what happened to it on the way.

Three ways to find a cell, each for what the one before has left: by grade id, by cell id, and by order and
likeness. What changed is told as findings, in words for the student.
"""

from __future__ import annotations

import ast
import difflib
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from course_lib.workbook.pristine import PristineCell

_ALIKE = 0.6  # how much of the text two cells must share to be taken for the same
_COMPARED = 4000  # characters


@dataclass(frozen=True)
class Finding:
    """Something that is not as released: ``kind`` is deleted, copied, retyped, moved, edited or unmarked.

    ``cell`` is the number of the student's cell, from 1; None for one that is gone.
    """

    kind: str
    grade_id: str
    cell: int | None
    text: str


@dataclass
class Alignment:
    """``found`` maps a released cell's place to the index of the student's cell; ``copies`` an index to a place.

    ``moved`` holds the places of released cells that stand out of order.
    """

    found: dict[int, int] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def is_answer(cell: PristineCell) -> bool:
    """True for a cell that the student writes in."""
    return bool(cell["nbgrader"].get("solution"))


def align(released: list[PristineCell], notebook: NotebookNode) -> Alignment:
    """Find every released graded cell in a student's notebook and say what became of it."""
    aligner = _Aligner(released, notebook.cells)
    aligner.by_grade_id()
    aligner.by_cell_id()
    aligner.by_likeness()
    aligner.locked_copies()
    aligner.by_order()
    result = aligner.result
    result.moved = _out_of_order(result.found)
    result.findings = _findings(released, notebook.cells, result)
    return result


def same_text(one: str, other: str) -> bool:
    """Equal but for blanks at line ends and empty lines around."""
    return _plain(one) == _plain(other)


class _Aligner:
    def __init__(self, released: list[PristineCell], cells: list[NotebookNode]) -> None:
        self.released, self.cells = released, cells
        self.result = Alignment()

    def by_grade_id(self) -> None:
        for place, ours in enumerate(self.released):
            same = [i for i, cell in enumerate(self.cells) if grade_id(cell) == ours["grade_id"]]
            if same:
                best = max(same, key=lambda i: self._preference(ours, self.cells[i], -i))
                self.result.found[place] = best
                self.result.copies |= {i: place for i in same if i != best}

    def by_cell_id(self) -> None:
        for place, ours in self._missing():
            for index in self._left():
                if ours["id"] and self.cells[index].get("id") == ours["id"]:
                    self.result.found[place] = index
                    break

    def by_likeness(self) -> None:
        pairs = []
        for place, ours in self._missing():
            low, high = self._neighbours(place)
            for index in self._left():
                score = _likeness(ours, self.cells[index]) + (0.15 if low < index < high else 0)
                if score > _ALIKE:
                    pairs.append((-score, place, index))
        for _, place, index in sorted(pairs):
            if place not in self.result.found and index in self._left():
                self.result.found[place] = index

    def by_order(self) -> None:
        """An answer whose text has nothing left of the release: the only cell of its type in its place."""
        for place, ours in self._missing():
            low, high = self._neighbours(place)
            around = {place - 1, place + 1} & set(range(len(self.released)))
            between = [i for i in self._left() if low < i < high and self.cells[i].source.strip()]
            fitting = [i for i in between if self.cells[i].cell_type == ours["cell_type"]]
            if is_answer(ours) and around <= self.result.found.keys() and len(fitting) == 1:
                self.result.found[place] = fitting[0]

    def locked_copies(self) -> None:
        """A copied test loses its mark in some editors; its text gives it away."""
        locked = [(place, ours) for place, ours in enumerate(self.released) if not is_answer(ours)]
        for index in self._left():
            cell = self.cells[index]
            for place, ours in locked:
                if cell.source.strip() and same_text(cell.source, ours["source"]):
                    self.result.copies[index] = place
                    break

    def _preference(self, ours: PristineCell, cell: NotebookNode, order: int) -> tuple[Any, ...]:
        """Of several with one mark: the answer that was worked in, the test that was not; then the first."""
        changed = bool(cell.source.strip()) and not same_text(cell.source, ours["source"])
        good = changed if is_answer(ours) else not changed
        return good, cell.get("id") == ours["id"], cell.cell_type == ours["cell_type"], order

    def _missing(self) -> list[tuple[int, PristineCell]]:
        return [(place, ours) for place, ours in enumerate(self.released) if place not in self.result.found]

    def _left(self) -> list[int]:
        taken = {*self.result.found.values(), *self.result.copies}
        marked = {ours["grade_id"] for ours in self.released}
        return [i for i, cell in enumerate(self.cells) if i not in taken and grade_id(cell) not in marked]

    def _neighbours(self, place: int) -> tuple[int, int]:
        found = self.result.found
        before = [found[p] for p in range(place) if p in found]
        after = [found[p] for p in range(place + 1, len(self.released)) if p in found]
        return max(before, default=-1), min(after, default=len(self.cells))


def grade_id(cell: NotebookNode) -> str | None:
    """A cell's mark for graders, if it has one."""
    mark = cell.metadata.get("nbgrader")
    return mark.get("grade_id") if isinstance(mark, dict) else None


def unfenced(source: str) -> str:
    """Code that was pasted into a text cell, without the fence around it."""
    lines = source.strip().split("\n")
    if len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return source


def _likeness(ours: PristineCell, cell: NotebookNode) -> float:
    """Shared text; for an answer in code also whether it defines what the released cell does."""
    one, other = _plain(ours["source"])[:_COMPARED], _plain(unfenced(cell.source))[:_COMPARED]
    if not one or not other:
        return 0.0
    if is_answer(ours) and ours["cell_type"] == "code":
        names = _defined(one)
        if names and names <= _defined(other):
            return 1.0
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() > _ALIKE / 2 else 0.0


def _defined(code: str) -> set[str]:
    """The names that code gives to functions, classes and variables at its top level."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError):
        return set()
    names = {n.name for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    targets = [t for n in body if isinstance(n, ast.Assign) for t in n.targets]
    return names | {t.id for t in targets if isinstance(t, ast.Name)}


def _out_of_order(found: dict[int, int]) -> set[int]:
    """The fewest places whose cells must be moved for all to be in order: those off the longest rising run."""
    places = sorted(found)
    tails: list[int] = []  # the smallest last index of a rising run of each length
    ends: list[int] = []  # the place that gave it
    before: dict[int, int | None] = {}
    for place in places:
        at = bisect_left(tails, found[place])
        before[place] = ends[at - 1] if at else None
        tails[at : at + 1], ends[at : at + 1] = [found[place]], [place]
    stay = set()
    last = ends[-1] if ends else None
    while last is not None:
        stay.add(last)
        last = before[last]
    return set(places) - stay


def _findings(released: list[PristineCell], cells: list[NotebookNode], alignment: Alignment) -> list[Finding]:
    findings = []
    for place, ours in enumerate(released):
        name = ours["grade_id"]
        what = f"{_role(ours)} “{name}”"
        index = alignment.found.get(place)
        if index is None:
            findings.append(Finding("deleted", name, None, f"{what} is gone"))
            continue
        cell, number = cells[index], index + 1
        if cell.cell_type != ours["cell_type"]:
            kinds = {"code": "code", "markdown": "text", "raw": "raw text"}
            turned = f"from {kinds[ours['cell_type']]} into {kinds[cell.cell_type]}"
            findings.append(Finding("retyped", name, number, f"{what} (cell {number}) was turned {turned}"))
        if not is_answer(ours) and not same_text(cell.source, ours["source"]):
            findings.append(Finding("edited", name, number, f"{what} (cell {number}) was edited, and must not be"))
        if not _same_mark(cell, ours):
            findings.append(Finding("unmarked", name, number, f"{what} (cell {number}) lost the mark for graders"))
        if place in alignment.moved:
            findings.append(Finding("moved", name, number, f"{what} (cell {number}) was moved"))
    for index, place in sorted(alignment.copies.items()):
        name, counts = released[place]["grade_id"], alignment.found.get(place)
        which = f"; cell {counts + 1} counts" if counts is not None else ""
        text = f"{_role(released[place])} “{name}” was copied (cell {index + 1}){which}"
        findings.append(Finding("copied", name, index + 1, text))
    return findings


def _role(cell: PristineCell) -> str:
    if is_answer(cell):
        return "the answer"
    return "the test" if cell["nbgrader"].get("grade") else "the read-only cell"


def _same_mark(cell: NotebookNode, ours: PristineCell) -> bool:
    mark = cell.metadata.get("nbgrader")
    keys = ("grade_id", "grade", "solution", "locked", "points")
    return isinstance(mark, dict) and all(mark.get(key) == ours["nbgrader"].get(key) for key in keys)


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))
