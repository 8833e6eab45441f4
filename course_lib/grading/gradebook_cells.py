"""Tell nbgrader's gradebook which cells a notebook has, also after grades have been given.

``nbgrader generate_assignment`` does the same for a release, and refuses once there are submissions. Tests do
change during a course: what was added gets empty entries in every submission, what was removed goes, unless a
person has graded or commented it.
"""

from __future__ import annotations

import json
from typing import Any

from course_lib.errors import CourseError
from course_lib.grading.assignment import Assignment, Cell
from course_lib.grading.quick_import import nbgrader_module


def update_cells(gradebook: Any, api: Any, assignment: Assignment) -> dict[str, str]:
    """Make the gradebook's cells those of the notebook. Returns the grade ids by the cells' database ids.

    Raises CourseError where that would lose what a person has entered.
    """
    gradebook.update_or_create_assignment(assignment.module)
    kernelspec = json.dumps(assignment.metadata.get("kernelspec", {}))
    notebook = gradebook.update_or_create_notebook(assignment.name, assignment.module, kernelspec=kernelspec)
    cells = [cell for cell in assignment.cells if cell.grade_id]
    update = _Update(gradebook.db, api, notebook)
    tasks = [cell for cell in cells if cell.entry.get("task")]
    graded = [cell for cell in cells if cell.entry.get("grade")]
    update.same(api.GradeCell, notebook.grade_cells, {c.name: _worth(c) for c in graded}, "Grade")
    update.same(api.TaskCell, notebook.task_cells, {c.name: _worth(c) for c in tasks}, "Grade", "Comment")
    answers = [cell for cell in cells if cell.entry.get("solution")]
    update.same(api.SolutionCell, notebook.solution_cells, {c.name: {} for c in answers}, "Comment")
    update.same(api.SourceCell, notebook.source_cells, {c.name: _source(c) for c in cells})
    gradebook.db.commit()
    return {cell.id: cell.name for cell in (*notebook.grade_cells, *notebook.task_cells, *notebook.solution_cells)}


class _Update:
    def __init__(self, db: Any, api: Any, notebook: Any) -> None:
        self.db, self.api, self.notebook = db, api, notebook

    def same(self, kind: Any, present: list[Any], wanted: dict[str, dict[str, Any]], *entries: str) -> None:
        """Make the cells of one kind those wanted; ``entries`` are what each submission has for such a cell."""
        known = {cell.name: cell for cell in present}
        for name, values in wanted.items():
            if name in known:
                for key, value in values.items():
                    if getattr(known[name], key) != value:
                        setattr(known[name], key, value)
                continue
            cell = kind(name=name, notebook=self.notebook, **values)
            self.db.add(cell)
            self.db.flush()
            for submitted in self.notebook.submissions:
                for entry in entries:
                    self.db.add(getattr(self.api, entry)(cell_id=cell.id, notebook=submitted))
        for name in known.keys() - wanted.keys():
            self._remove(known[name], entries)

    def _remove(self, cell: Any, entries: tuple[str, ...]) -> None:
        rows = [row for entry in entries for row in self.db.query(getattr(self.api, entry)).filter_by(cell_id=cell.id)]
        if any(getattr(row, "manual_score", None) is not None or getattr(row, "manual_comment", None) for row in rows):
            raise CourseError(
                f"the cell {cell.name} is no longer in {self.notebook.name}, but somebody has graded or commented it. "
                "Put it back, or remove those entries in formgrader."
            )
        for row in rows:
            self.db.delete(row)
        self.db.delete(cell)


def _worth(cell: Cell) -> dict[str, Any]:
    return {"max_score": cell.points, "cell_type": cell.cell_type}


def _source(cell: Cell) -> dict[str, Any]:
    utils = nbgrader_module("nbgrader.utils")
    entry = {**cell.entry, "grade_id": cell.name}
    # with its hidden tests, as nbgrader keeps it: the gradebook is the instructor's
    node = _Node(cell.cell_type, cell.source, {"nbgrader": _Entry(entry)})
    locked = bool(utils.is_locked(node))
    return {
        "cell_type": cell.cell_type,
        "locked": locked,
        "source": cell.source,
        "checksum": utils.compute_checksum(node),
    }


class _Entry(dict):
    """nbgrader reads cells' metadata as attributes and as keys."""

    __getattr__ = dict.__getitem__


class _Node:
    def __init__(self, cell_type: str, source: str, metadata: dict[str, Any]) -> None:
        self.cell_type, self.source, self.metadata = cell_type, source, _Entry(metadata)
