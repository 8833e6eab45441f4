"""First hand-ins are written without nbgrader, and stand in the gradebook as if nbgrader had written them."""

from __future__ import annotations

import dataclasses
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from course_lib.errors import CourseError
from course_lib.grading import gradebook, gradebook_nbgrader, gradebook_rows, outcome
from course_lib.grading.coursefolders import plain_folders
from course_lib.grading.gradebook_cells import _source
from course_lib.grading.gradebook_database import VERSION
from tests.grading.classes.bad_input import answer, good_class, hand_in
from tests.grading.classes.demo_course import MODULE
from tests.grading.classes.test_class import run

TABLES = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")


def known_before(course, base, due=None):
    """A gradebook that `nbgrader generate_assignment` would have left: cells, and nobody's hand-ins."""
    with gradebook.Book(plain_folders(base)) as book:
        book.prepare(course.assignments.values())
        book.gradebook.update_or_create_assignment(MODULE, duedate=due)


def content_of(base):
    """All rows about hand-ins, with names in place of the random ids."""
    with closing(sqlite3.connect(base / "gradebook" / "gradebook.db")) as database:
        tables = (*TABLES, "assignment", "notebook", "base_cell")
        columns = {t: [c[1] for c in database.execute(f"PRAGMA table_info({t})")] for t in tables}
        rows = {
            table: [dict(zip(columns[table], row, strict=True)) for row in database.execute(f"SELECT * FROM {table}")]
            for table in tables
        }
    names = {row["id"]: f"{table} {row['name']}" for table in tables[-3:] for row in rows[table]}
    names |= {row["id"]: f"hand-in of {row['student_id']}" for row in rows["submitted_assignment"]}
    for row in rows["submitted_notebook"]:
        names[row["id"]] = f"{names[row['assignment_id']]}, {names[row['notebook_id']]}"
    return {
        table: sorted(str([names.get(v, v) for key, v in row.items() if key != "id"]) for row in rows[table])
        for table in TABLES[1:]
    } | {"student": sorted(map(str, rows["student"]))}


def times(base, *students):
    for number, student in enumerate(students):
        path = base / "in" / student / MODULE / "timestamp.txt"
        path.write_text(f"2026-03-0{number + 1} 12:00:0{number} UTC", encoding="utf-8")


def without_nbgrader(monkeypatch):
    def asked(*_):
        raise AssertionError("nbgrader is asked for what rows can do")

    monkeypatch.setattr(gradebook, "NbgradersBook", asked)


@pytest.mark.parametrize("timed", [False, True])
def test_rows_are_those_that_nbgrader_would_write(course, tmp_path, monkeypatch, timed):
    for name in ("by_nbgrader", "by_rows"):
        good_class(tmp_path / name / "in", course)
        known_before(course, tmp_path / name)
        if timed:
            times(tmp_path / name, "amina", "bence")
    with monkeypatch.context() as patched:
        patched.setattr(gradebook.Rows, "open", lambda _folders: None)
        run(course, tmp_path / "by_nbgrader" / "in", tmp_path / "by_nbgrader")
    with monkeypatch.context() as patched:
        without_nbgrader(patched)
        run(course, tmp_path / "by_rows" / "in", tmp_path / "by_rows")
    assert content_of(tmp_path / "by_rows") == content_of(tmp_path / "by_nbgrader")
    assert len(content_of(tmp_path / "by_rows")["submitted_assignment"]) == 3


def test_first_and_second_hand_ins_go_together(course, tmp_path, monkeypatch):
    known_before(course, tmp_path)
    hand_in(tmp_path / "in", "amina", answer(course), course)
    with monkeypatch.context() as patched:
        without_nbgrader(patched)
        assert run(course, tmp_path / "in", tmp_path).graded == 1
    worse = answer(course, total="def total(values):\n    return 0")
    (tmp_path / "in" / "amina" / MODULE / "exercises.ipynb").write_bytes(worse)
    others = ("aaron", "bence", "cleo")
    for student in others:
        hand_in(tmp_path / "in", student, answer(course), course)
    assert run(course, tmp_path / "in", tmp_path).graded == 4
    with gradebook.Book(plain_folders(tmp_path)) as book:
        points = [book.gradebook.find_submission(MODULE, student).score for student in ("amina", *others)]
    assert points == [9.0, 12.0, 12.0, 12.0]


def test_a_due_date_is_nbgraders_business(course, tmp_path):
    known_before(course, tmp_path, due="2026-03-01 12:00:00 UTC")
    good_class(tmp_path / "in", course)
    times(tmp_path, "amina", "bence")
    run(course, tmp_path / "in", tmp_path)
    with gradebook.Book(plain_folders(tmp_path)) as book:
        late = {s: book.gradebook.find_submission(MODULE, s).total_seconds_late for s in ("amina", "bence", "Zoë")}
    assert late == {"amina": 0, "bence": 86401.0, "Zoë": 0}


def test_cells_that_changed_are_not_known(course, tmp_path):
    known_before(course, tmp_path)
    rows = gradebook_rows.Rows.open(plain_folders(tmp_path))
    exercises = course.assignments["exercises"]
    assert all(rows.knows(assignment) for assignment in course.assignments.values())
    for place, cell in enumerate(exercises.cells):
        if not cell.grade_id:
            continue
        changes = [replace(cell, source=cell.source + "\n"), replace(cell, cell_type="raw")]
        changes += [replace(cell, points=cell.points + 1)] if cell.entry.get("grade") else []
        for changed in (*changes, None):
            cells = [*exercises.cells[:place], *([changed] if changed else []), *exercises.cells[place + 1 :]]
            assert not rows.knows(replace(exercises, cells=cells)), (cell.name, changed)
    assert not rows.knows(replace(exercises, name="others"))
    assert not rows.knows(replace(exercises, metadata={"kernelspec": {"name": "other"}}))
    rows.close()


def test_checksums_are_nbgraders(course):
    cells = [cell for a in course.assignments.values() for cell in a.cells if cell.grade_id]
    assert len(cells) > 10
    for cell in cells:
        values = _source(cell)
        assert (gradebook_rows.checksum(cell), gradebook_rows.is_locked(cell)) == (values["checksum"], values["locked"])


def test_other_databases_are_left_to_nbgrader(course, tmp_path):
    folders = plain_folders(tmp_path)
    assert gradebook_rows.Rows.open(folders) is None
    known_before(course, tmp_path)
    gradebook_rows.Rows.open(folders).close()
    assert gradebook_rows.Rows.open(replace(folders, db_url="mysql://localhost/grades")) is None
    path = tmp_path / "gradebook" / "gradebook.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'abc'")
        database.commit()
    assert gradebook_rows.Rows.open(folders) is None
    path.write_bytes(b"something else")
    assert gradebook_rows.Rows.open(folders) is None


def test_rows_are_for_the_newest_version_of_the_tables():
    from pathlib import Path

    import nbgrader

    assert gradebook_nbgrader.newest_version(Path(nbgrader.__file__).parent) == VERSION
    assert re.fullmatch("[0-9a-f]{12}", VERSION)


def test_hand_ins_that_come_together_are_written_together_or_not_at_all(course, tmp_path):
    known_before(course, tmp_path)
    good_class(tmp_path / "in", course)
    run(course, tmp_path / "in", tmp_path)
    path = tmp_path / "gradebook" / "results" / MODULE / "amina.json"
    amina = outcome.from_dict(json.loads(path.read_text(encoding="utf-8")))
    first, second, odd = (dataclasses.replace(amina, student=name) for name in ("first", "second", "odd"))
    odd.notebooks = [outcome.NotebookResult("nobody knows it", "graded")]
    before = content_of(tmp_path)
    rows = gradebook_rows.Rows.open(plain_folders(tmp_path))
    with pytest.raises(CourseError, match="lacks nobody knows it"):
        rows.add(rows.writer(), [first, odd, second])
    assert content_of(tmp_path) == before
    assert rows.add(rows.writer(), [first, amina, second]) == [amina]
    rows.close()
    assert len(content_of(tmp_path)["grade"]) == 5 * 7
