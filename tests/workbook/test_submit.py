"""What `course submit` packs, what it says, and what it refuses before anything is written."""

import hashlib
import json
import zipfile
from datetime import UTC, datetime

import nbformat
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.workbook import pristine, submit
from course_lib.workbook.notebook_io import write_notebook

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def released(grade_id: str = "clean") -> nbformat.NotebookNode:
    answer = nbformat.v4.new_code_cell("raise NotImplementedError()", id="one")
    answer.metadata["nbgrader"] = {"grade_id": grade_id, "solution": True, "grade": False}
    return pristine.embed(nbformat.v4.new_notebook(cells=[answer]))


@pytest.fixture
def course(tmp_path):
    for module in ("01_intro", "02_environment"):
        for name in submit.HANDED_IN:
            write_notebook(tmp_path / "modules" / module / f"{name}.ipynb", released())
        (tmp_path / "modules" / module / "lesson.ipynb").write_text("{}", encoding="utf-8")
    return tmp_path


def work(course, module="01_intro", name="exercises", source="x = 1"):
    path = course / "modules" / module / f"{name}.ipynb"
    notebook = released()
    notebook.cells[0].source = source
    write_notebook(path, notebook)
    return path


def test_the_zip_holds_what_is_graded_and_a_manifest_that_says_whose_it_is(course):
    path = work(course)
    packed = submit.submit("intro", student="amina", to=course / "out", root=course, now=NOON)
    assert packed.path == course / "out" / "amina-01_intro.zip"
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.namelist() == ["manifest.json", "exercises.ipynb", "quiz.ipynb"]
        assert archive.read("exercises.ipynb") == path.read_bytes()
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["student"] == "amina"
    assert manifest["module"] == "01_intro"
    assert manifest["submitted"] == "2026-03-01T12:00:00+00:00"
    assert manifest["files"]["exercises.ipynb"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_was_not_answered_is_named_and_not_refused(course):
    work(course)
    packed = submit.submit("01", student="amina", to=course, root=course)
    assert packed.untouched == {"quiz.ipynb": ["clean"]}


def test_the_same_work_is_the_same_bytes(course):
    work(course)
    first = submit.submit("01", student="amina", to=course / "a", root=course, now=NOON).path
    second = submit.submit("01", student="amina", to=course / "b", root=course, now=NOON).path
    assert first.read_bytes() == second.read_bytes()


def test_without_a_name_it_is_the_module_that_was_worked_in(course):
    with pytest.raises(UsageError, match="no answer was changed in any module"):
        submit.submit(student="amina", to=course, root=course)
    work(course, "02_environment")
    assert submit.submit(student="amina", to=course, root=course).module == "02_environment"
    work(course, "01_intro")
    with pytest.raises(UsageError, match="you worked in 01_intro, 02_environment"):
        submit.submit(student="amina", to=course, root=course)


def test_an_unknown_module_suggests_the_nearest(course):
    with pytest.raises(UsageError, match="Did you mean 01_intro"):
        submit.submit("01_intor", student="amina", to=course, root=course)


def test_a_folder_without_modules_says_so(tmp_path):
    with pytest.raises(UsageError, match="nothing to hand in"):
        submit.submit("01", student="amina", root=tmp_path)


@pytest.mark.parametrize("name", ["", "../eve", "a/b", "con", "eve;rm", "x" * 65])
def test_an_id_that_no_gradebook_could_take_is_refused_before_anything_is_written(course, name):
    with pytest.raises(UsageError, match="can't be a student id"):
        submit.submit("01", student=name, to=course / "out", root=course)
    assert not (course / "out").exists()


def test_the_environment_can_name_the_student(course, monkeypatch):
    monkeypatch.setenv("COURSE_STUDENT", "björn")
    assert submit.submit("01", to=course, root=course).student == "björn"


def test_a_broken_notebook_is_named_and_an_earlier_zip_stays(course):
    path = work(course)
    earlier = submit.submit("01", student="amina", to=course, root=course).path
    before = earlier.read_bytes()
    path.write_text("{ not a notebook", encoding="utf-8")
    with pytest.raises(CourseError, match=r"exercises\.ipynb"):
        submit.submit("01", student="amina", to=course, root=course)
    assert earlier.read_bytes() == before


def test_a_missing_quiz_is_named_and_the_rest_is_packed(course):
    (course / "modules/01_intro/quiz.ipynb").unlink()
    packed = submit.submit("01", student="amina", to=course, root=course)
    assert packed.missing == ["quiz.ipynb"]
    assert packed.files == ["exercises.ipynb"]
