"""A gradebook on PostgreSQL: the same grades, read by nbgrader too; what goes wrong in words, and nothing is lost."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from course_lib.errors import UsageError
from course_lib.grading import gradebook_address, gradebook_database
from course_lib.grading.coursefolders import course_folders, plain_folders
from course_lib.grading.gradebook_address import GradebookError
from tests.grading.classes.bad_input import answer, good_class, hand_in
from tests.grading.classes.demo_course import MODULE, SOLVED, content
from tests.grading.classes.test_class import grades_of, run
from tests.taxi.cluster.processes import free_port
from tests.taxi.service.conftest import empty_database, postgresql_server

__all__ = ["empty_database", "postgresql_server"]

ROWS = (
    "SELECT s.student_id, n.name, c.name, g.auto_score, g.needs_manual_grade FROM grade g "
    "JOIN base_cell c ON g.cell_id = c.id JOIN submitted_notebook sn ON g.notebook_id = sn.id "
    "JOIN notebook n ON sn.notebook_id = n.id JOIN submitted_assignment s ON sn.assignment_id = s.id"
)


@pytest.fixture
def base(course, tmp_path):
    good_class(tmp_path / "in", course)
    return tmp_path


def rows(url: str) -> list:
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(ROWS)]
    engine.dispose()
    return sorted(found)


def make_user(server: str, database: str, name: str, *rights: str) -> str:
    """A user of a database with a password, and its address."""
    import sqlalchemy as sa

    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for text in (f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD 'se/cr@t'", *rights):
            connection.exec_driver_sql(text)
    engine.dispose()
    return database.replace("//course@", f"//{name}:se%2Fcr%40t@")


def test_the_same_grades_as_in_a_file(base, course, empty_database):
    here = run(course, base / "in", base / "file")
    there = run(course, base / "in", base / "server", gradebook=empty_database)
    assert grades_of(there) == grades_of(here)
    assert rows(empty_database) == rows(plain_folders(base / "file").db_url)
    assert len(rows(empty_database)) == 3 * 7
    assert not (base / "server" / "gradebook" / "gradebook.db").exists()
    again = run(course, base / "in", base / "server", gradebook=empty_database)
    assert (again.graded, again.unchanged) == (0, 3)
    hand_in(base / "in", "dora", answer(course), course)
    more = run(course, base / "in", base / "server", gradebook=empty_database)
    assert (more.graded, more.unchanged) == (1, 3)


def test_a_later_class_is_written_without_nbgrader(base, course, empty_database, monkeypatch):
    from course_lib.grading import gradebook

    run(course, base / "in", base, gradebook=empty_database)
    hand_in(base / "in", "dora", answer(course), course)
    monkeypatch.setattr(gradebook, "NbgradersBook", None)
    assert run(course, base / "in", base, gradebook=empty_database).graded == 1


def test_nbgrader_reads_it_and_what_people_enter_stays(base, course, empty_database):
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import Config

    run(course, base / "in", base, gradebook=empty_database)
    folders = replace(plain_folders(base), db_url=empty_database)
    config = Config()
    config.CourseDirectory.root = str(base)
    config.CourseDirectory.db_url = empty_database
    config.CourseDirectory.submitted_directory = str(folders.submitted)
    config.CourseDirectory.autograded_directory = str(folders.autograded)
    config.CourseDirectory.source_directory = str(course.root / "solutions")
    api = NbGraderAPI(config=config)
    by_student = {s["student"]: s for s in api.get_submissions(MODULE)}
    assert {name: s["autograded"] for name, s in by_student.items()} == {"amina": True, "bence": True, "Zoë": True}
    assert (by_student["bence"]["score"], by_student["bence"]["max_score"]) == (9.0, 16.0)
    with api.gradebook as book:
        grade = book.find_grade("why", "exercises", MODULE, "amina")
        grade.manual_score, grade.needs_manual_grade = 3.0, False
        book.db.commit()
    later = run(course, base / "in", base, gradebook=empty_database)
    assert {s.student: s.final for s in later.scores}["amina"] == 15.0
    changed = content(course.answered({**SOLVED, "total": "def total(values):\n    return 0"}))
    (base / "in" / "amina" / MODULE / "exercises.ipynb").write_bytes(changed)
    after = run(course, base / "in", base, gradebook=empty_database)
    assert (after.graded, {s.student: s.points for s in after.scores}["amina"]) == (1, 12.0)
    with api.gradebook as book:
        assert book.find_grade("why", "exercises", MODULE, "amina").manual_score == 3.0


def test_the_settings_name_it(base, course, empty_database):
    text = f"c = get_config()\nc.CourseDirectory.db_url = '{empty_database}'\n"
    (base / "nbgrader_config.py").write_text(text, encoding="utf-8")
    folders = replace(course_folders(base), root=base)
    assert run(course, base / "in", base, folders=folders).graded == 3
    assert len(rows(empty_database)) == 3 * 7


def test_a_server_that_is_started_again_in_the_middle(base, course, postgresql_server, empty_database):
    run(course, base / "in", base, gradebook=empty_database)
    for name in ("dora", "emre", "fleur"):
        hand_in(base / "in", name, answer(course), course)

    def restart(done, *_):
        if done == 1:
            postgresql_server.stop()
            postgresql_server.start()

    assert run(course, base / "in", base, gradebook=empty_database, progress=restart, jobs=1).graded == 3
    assert len(rows(empty_database)) == 6 * 7


def test_a_server_that_stays_away_loses_nothing(base, course, postgresql_server, empty_database, monkeypatch):
    monkeypatch.setattr(gradebook_database, "_AGAIN", (0.0, 0.1))
    run(course, base / "in", base, gradebook=empty_database)
    for name in ("dora", "emre"):
        hand_in(base / "in", name, answer(course), course)

    def stop(done, *_):
        if done == 1:
            postgresql_server.stop()

    words = r"the gradebook postgresql://course@127.0.0.1:\d+/own_\d+ can't be used"
    try:
        with pytest.raises(GradebookError, match=words):
            run(course, base / "in", base, gradebook=empty_database, progress=stop, jobs=1)
    finally:
        postgresql_server.start()
    later = run(course, base / "in", base, gradebook=empty_database)
    assert (later.graded, later.unchanged, later.complete) == (1, 4, True)
    assert len(rows(empty_database)) == 5 * 7


def test_no_server(base, course):
    port = free_port()
    with pytest.raises(GradebookError) as caught:
        run(course, base / "in", base, gradebook=f"postgresql://ann:se%2Fcret@127.0.0.1:{port}/grades")
    said = str(caught.value)
    assert said.startswith(f"the gradebook postgresql://ann@127.0.0.1:{port}/grades can't be used: ")
    assert "Is the server running, and is the address right?" in said
    assert "se%2Fcret" not in said
    assert "se/cret" not in said
    assert not (base / "gradebook").exists()


def test_no_such_database(base, course, empty_database):
    with pytest.raises(GradebookError, match=r'database "none" does not exist\. `createdb` makes a database'):
        run(course, base / "in", base, gradebook=empty_database.rpartition("/")[0] + "/none")


def test_no_right_to_make_tables_and_none_to_change_them(base, course, postgresql_server, empty_database):
    stranger = make_user(postgresql_server.url, empty_database, f"stranger_{time.time_ns()}")
    with pytest.raises(
        GradebookError, match=r"permission denied for schema public\. Its owner gives the right"
    ) as caught:
        run(course, base / "in", base, gradebook=stranger)
    assert "se/cr@t" not in str(caught.value)
    assert "se%2F" not in str(caught.value)
    run(course, base / "in", base, gradebook=empty_database)
    hand_in(base / "in", "dora", answer(course), course)
    reader = make_user(postgresql_server.url, empty_database, f"reader_{time.time_ns()}")
    name = reader.partition("//")[2].partition(":")[0]
    make_user(empty_database, empty_database, "nobody_else", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    with pytest.raises(GradebookError, match=r"permission denied for table \w+\. Its owner gives the right"):
        run(course, base / "in", base, gradebook=reader)
    assert run(course, base / "in", base, gradebook=empty_database).graded == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("grades", "'grades' is no address of a gradebook, such as postgresql://user@host/grades"),
        ("postgresql://ann:pa/ss@host/grades", "The gradebook's address can't be read. In a name or password, write @"),
        ("postgresql://ann:secret@host", "postgresql://ann@host names no database"),
    ],
)
def test_addresses_that_are_none(base, course, wrong, words):
    with pytest.raises(UsageError, match=words) as caught:
        run(course, base / "in", base, gradebook=wrong)
    assert "secret" not in str(caught.value)
    assert "pa/ss" not in str(caught.value)


def test_a_database_that_nothing_here_can_open(base, course):
    with pytest.raises(GradebookError, match="the gradebook oracle://ann@host/grades can't be used"):
        run(course, base / "in", base, gradebook="oracle://ann:secret@host/grades")


def test_no_secret_is_in_words():
    url = "postgresql+psycopg://ann:se%2Fcr%40t@host:5433/grades"
    assert gradebook_address.shown(url) == "postgresql://ann@host:5433/grades"
    said = gradebook_address.words(
        url, Exception("cannot use 'se/cr@t' or se%2Fcr%40t\n(Background on this error at: x)")
    )
    assert said.startswith("the gradebook postgresql://ann@host:5433/grades can't be used: cannot use '***' or ***.")
    assert "Background" not in said
