"""`course check`: what a student learns about a notebook, whole or damaged, and that it is never touched."""

from __future__ import annotations

import copy
import json
import subprocess

import nbformat
import pytest

from course_lib.errors import UsageError
from course_lib.workbook import pristine
from course_lib.workbook.alignment import align
from course_lib.workbook.check import check
from course_lib.workbook.notebook_io import NotANotebook, read_notebook, write_notebook
from course_lib.workbook.released import ReleaseLost, find_release
from tests.workbook.small_course import MODULE, edit_cell

GOOD = {
    "double": "def double(n):\n    return n * 2\n",
    "stage": 'stage = "monitoring"\n',
    "worth_it": "Riders gain time, it's worth it.",
}


@pytest.fixture
def path(built):
    """The released exercises, where a student works on them."""
    return built / "modules" / MODULE / "exercises.ipynb"


@pytest.fixture
def answered(path):
    for name, text in GOOD.items():
        edit_cell(path, name, text)
    return path


@pytest.fixture(scope="module")
def release(built_once):
    return read_notebook(built_once / "modules" / MODULE / "exercises.ipynb")


def at(notebook, name):
    return next(i for i, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def found(notebook, release):
    return [(f.kind, f.grade_id) for f in align(pristine.read(release), notebook).findings]


def statuses(report):
    return {task.name: task.status for task in report.tasks}


# --- what became of the cells


def test_an_untouched_and_an_answered_release_are_whole(release, answered):
    assert found(release, release) == []
    assert found(read_notebook(answered), release) == []


def test_each_kind_of_damage_is_named(release):
    damaged = copy.deepcopy(release)
    del damaged.cells[at(damaged, "stage")]
    test = damaged.cells[at(damaged, "double-test")]
    test.source = "assert True"
    answer = damaged.cells[at(damaged, "double")]
    answer.cell_type = "markdown"
    twin = copy.deepcopy(damaged.cells[at(damaged, "double-test-text")])
    twin["id"] = "another"
    damaged.cells.append(twin)
    damaged.cells[at(damaged, "worth_it")].metadata.pop("nbgrader")
    assert set(found(damaged, release)) == {
        ("deleted", "stage"),
        ("edited", "double-test"),
        ("retyped", "double"),
        ("copied", "double-test-text"),
        ("unmarked", "worth_it"),
    }


def test_findings_are_sentences_with_the_cell_that_jupyterlab_shows(release):
    damaged = copy.deepcopy(release)
    index = at(damaged, "double-test")
    damaged.cells[index].source += "\nassert True"
    (finding,) = align(pristine.read(release), damaged).findings
    assert finding.text == f"the test “double-test” (cell {index + 1}) was edited, and must not be"
    assert finding.cell == index + 1


def test_one_moved_cell_is_one_finding_not_all_that_it_passed(release):
    moved = copy.deepcopy(release)
    moved.cells.append(moved.cells.pop(at(moved, "double")))
    assert found(moved, release) == [("moved", "double")]


def test_answers_without_marks_and_ids_are_recognised_by_what_they_define(release):
    stripped = copy.deepcopy(release)
    for name, text in GOOD.items():
        stripped.cells[at(stripped, name)].source = text
    for number, cell in enumerate(stripped.cells):
        cell.metadata.clear()
        cell["id"] = f"new-{number}"
    alignment = align(pristine.read(release), stripped)
    names = [cell["grade_id"] for cell in pristine.read(release)]
    code = {names[place]: stripped.cells[index].source for place, index in alignment.found.items()}
    assert code["double"] == GOOD["double"]
    assert code["stage"] == GOOD["stage"]
    assert "double-test" in code


def test_of_a_copied_answer_the_one_that_was_worked_in_counts(release):
    damaged = copy.deepcopy(release)
    twin = copy.deepcopy(damaged.cells[at(damaged, "double")])
    twin.source, twin["id"] = GOOD["double"], "twin"
    damaged.cells.append(twin)
    alignment = align(pristine.read(release), damaged)
    names = [cell["grade_id"] for cell in pristine.read(release)]
    assert alignment.found[names.index("double")] == len(damaged.cells) - 1
    assert ("copied", "double") in [(f.kind, f.grade_id) for f in alignment.findings]


# --- what the tasks do


def test_right_answers_pass_and_the_file_is_not_touched(answered):
    before, mtime = answered.read_bytes(), answered.stat().st_mtime_ns
    report = check(answered)
    assert report.ok
    assert statuses(report) == {"double": "passed", "stage": "passed", "worth_it": "written"}
    assert report.tasks[2].words == 6
    assert {task.name: task.points for task in report.tasks} == {"double": 8, "stage": 8, "worth_it": 4}
    assert answered.read_bytes() == before
    assert answered.stat().st_mtime_ns == mtime
    assert [p.name for p in answered.parent.iterdir() if ".bak" in p.name] == []


def test_a_failing_task_shows_the_tests_own_words_and_the_others_still_run(path):
    edit_cell(path, "double", "def double(n):\n    return 3\n")
    edit_cell(path, "stage", GOOD["stage"])
    report = check(path)
    assert statuses(report) == {"double": "failed", "stage": "passed", "worth_it": "unanswered"}
    assert report.tasks[0].message == "Expected 4 for 2, got 3. Hint: add it to itself."
    assert not report.ok


def test_an_answer_that_stops_an_endless_loop_and_a_dead_kernel_are_told_apart(path):
    edit_cell(path, "double", "def double(n):\n    return m\n\ndouble(1)\n")
    edit_cell(path, "stage", "while True:\n    pass\n")
    report = check(path, timeout=2)
    assert report.tasks[0].message == "your answer's cell stops with NameError: name 'm' is not defined"
    assert "ran too long" in report.tasks[1].message
    edit_cell(path, "double", "import os\nos._exit(1)\n")
    report = check(path)
    assert [task.status for task in report.tasks] == ["failed", "not_run", "unanswered"]
    assert "died" in report.tasks[0].message


def test_damage_does_not_hide_whether_the_answers_work(answered):
    damaged = read_notebook(answered)
    del damaged.cells[at(damaged, "double-test")]
    damaged.cells[at(damaged, "stage")].cell_type = "markdown"
    damaged.cells[at(damaged, "stage")].pop("outputs")
    damaged.cells[at(damaged, "stage")].pop("execution_count")
    write_notebook(answered, damaged)
    report = check(answered)
    assert {f.kind for f in report.findings} == {"deleted", "retyped"}
    assert statuses(report) == {"double": "passed", "stage": "passed", "worth_it": "written"}
    assert not report.ok, "a damaged notebook must not be called ready"


def test_an_edited_test_does_not_make_a_wrong_answer_pass(path):
    edit_cell(path, "double", "def double(n):\n    return 3\n")
    edit_cell(path, "double-test", "assert True\n")
    report = check(path)
    assert report.tasks[0].status == "failed"


def test_a_quiz_says_what_can_be_graded_and_not_what_is_right(built):
    path = built / "modules" / MODULE / "quiz.ipynb"
    edit_cell(path, "leak", 'leak = "z"\n')
    edit_cell(path, "tools", 'tools = ["b"]\n')  # wrong, and well-formed
    report = check(path)
    assert report.is_quiz
    assert statuses(report) == {"leak": "failed", "tools": "passed", "error": "unanswered"}
    assert "not one of a, b, c" in report.tasks[0].message


def test_a_lesson_has_nothing_to_check_and_a_broken_file_says_so(built):
    with pytest.raises(UsageError, match="no tasks"):
        check(built / "modules" / MODULE / "lesson.ipynb")
    broken = built / "modules" / MODULE / "exercises.ipynb"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(NotANotebook, match="ends too early"):
        check(broken)


def test_old_format_and_another_kernel_are_found_and_the_answers_still_run(answered):
    notebook = read_notebook(answered)
    notebook.metadata.kernelspec = {"name": "ir", "display_name": "R", "language": "R"}
    notebook.metadata.language_info = {"name": "R"}
    old = nbformat.convert(notebook, 3)
    answered.write_text(json.dumps(old), encoding="utf-8")
    report = check(answered)
    told = {finding.kind: finding.text for finding in report.findings}
    assert "old format 3" in told["format"]
    assert "“R”" in told["kernel"]
    assert all(task.ok for task in report.tasks)


# --- where the release comes from when the notebook lost it


def without_record(path):
    notebook = read_notebook(path)
    del notebook.metadata["course"]
    write_notebook(path, notebook)
    return notebook


def git(folder, *words):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def test_a_lost_record_is_found_in_git_even_below_a_committed_loss(answered, built):
    git(built, "init", "-q")
    edit_cell(answered, "stage", "stage = None\n")
    git(built, "add", "modules")
    git(built, "commit", "-qm", "release")
    edit_cell(answered, "stage", GOOD["stage"])
    notebook = without_record(answered)
    git(built, "commit", "-qam", "my work")
    assert find_release(answered, notebook, built).found_in.startswith("Git")
    report = check(answered)
    assert [f.kind for f in report.findings] == ["unmarked"]
    assert all(task.ok for task in report.tasks)


def test_without_git_the_modules_copy_of_the_same_notebook_serves(answered, built, tmp_path):
    away = tmp_path / "Downloads" / "exercises.ipynb"
    write_notebook(away, read_notebook(answered))
    notebook = without_record(away)
    assert find_release(away, notebook, built).found_in == f"modules/{MODULE}/exercises.ipynb"


def test_nothing_left_to_ask_says_what_to_do(answered, tmp_path):
    notebook = without_record(answered)
    with pytest.raises(ReleaseLost, match=r"modules/01_intro/exercises\.ipynb"):
        find_release(answered, notebook, tmp_path / "empty")
