"""What a student did in modules/ survives a build, unless somebody insists; then there is a copy."""

from __future__ import annotations

import json

import nbformat
import pytest

from course_lib.workbook.build import build
from tests.workbook.small_course import MODULE, edit, edit_cell, files_of

ANSWER = "def double(n):\n    return n + n  # mine"


@pytest.fixture
def sheet(built):
    return built / "modules" / MODULE / "exercises.ipynb"


def statuses(report) -> dict[str, str]:
    return {entry.path.name: entry.status for entry in report.files if entry.path.parent.parent.name == "modules"}


def change_exercise(root):
    edit(root / "solutions" / MODULE / "exercises.md", "# Exercises", "# Better exercises")


def test_work_on_the_current_release_is_kept_without_a_word(built, sheet):
    edit_cell(sheet, "double", ANSWER)
    mine = sheet.read_bytes()
    report = build(root=built)
    assert report.problems == []
    assert statuses(report)["exercises.ipynb"] == "kept"
    assert sheet.read_bytes() == mine


def test_work_on_an_earlier_release_is_not_overwritten(built, sheet):
    edit_cell(sheet, "double", ANSWER)
    mine = sheet.read_bytes()
    change_exercise(built)
    report = build(root=built)
    assert sheet.read_bytes() == mine
    assert statuses(report)["exercises.ipynb"] == "refused"
    assert "holds somebody's work on an earlier release" in report.problems[0]
    assert "`course build --force` replaces it (and keeps a copy)" in report.problems[0]


def test_force_replaces_work_and_keeps_every_copy(built, sheet):
    copies = []
    for n in range(3):
        edit_cell(sheet, "double", f"{ANSWER}{n}")
        copies.append(sheet.read_bytes())
        build(root=built, force=True)
    assert "mine" not in sheet.read_text(encoding="utf-8")
    names = ["exercises.ipynb.bak", "exercises.ipynb.2.bak", "exercises.ipynb.3.bak"]
    assert [(sheet.parent / name).read_bytes() for name in names] == copies


def test_an_untouched_earlier_release_is_replaced(built, sheet):
    change_exercise(built)
    report = build(root=built)
    assert report.problems == []
    assert "Better exercises" in sheet.read_text(encoding="utf-8")
    assert not list(sheet.parent.glob("*.bak"))


def resave(sheet, *, executed: bool) -> None:
    """Save a notebook as JupyterLab does, with its own metadata."""
    notebook = nbformat.read(sheet, as_version=4)
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if executed:
        code.outputs, code.execution_count = [nbformat.v4.new_output("stream", text="hello")], 7
    notebook.metadata["language_info"]["version"] = "3.13.1"
    nbformat.write(notebook, sheet)


def test_outputs_on_the_current_release_stay(built, sheet):
    resave(sheet, executed=True)
    mine = sheet.read_bytes()
    assert statuses(build(root=built))["exercises.ipynb"] == "kept"
    assert sheet.read_bytes() == mine
    assert statuses(build(root=built, force=True))["exercises.ipynb"] == "written"
    assert "hello" not in sheet.read_text(encoding="utf-8")
    assert not list(sheet.parent.glob("*.bak"))


def test_outputs_alone_do_not_stop_a_new_release(built, sheet):
    resave(sheet, executed=True)
    change_exercise(built)
    assert build(root=built).problems == []
    assert "Better exercises" in sheet.read_text(encoding="utf-8")


def test_a_release_that_was_only_saved_again_is_put_in_order(built, sheet):
    before = sheet.read_bytes()
    resave(sheet, executed=False)
    assert sheet.read_bytes() != before
    assert build(root=built).problems == []
    assert sheet.read_bytes() == before


def added_cell(notebook):
    notebook["cells"].append({"cell_type": "markdown", "id": "x1", "metadata": {}, "source": "my notes"})


def deleted_cell(notebook):
    del notebook["cells"][4]


def lost_metadata(notebook):
    del notebook["metadata"]["course"]


@pytest.mark.parametrize("do", [added_cell, deleted_cell, lost_metadata])
def test_any_edit_counts_as_work(built, sheet, do):
    notebook = json.loads(sheet.read_text(encoding="utf-8"))
    do(notebook)
    sheet.write_text(json.dumps(notebook), encoding="utf-8")
    change_exercise(built)
    assert statuses(build(root=built))["exercises.ipynb"] == "refused"


@pytest.mark.parametrize(
    ("text", "said"),
    [("{ no JSON", "it is no valid JSON"), ('{"nbformat": 3, "worksheets": []}', "a notebook of the old format 3")],
)
def test_a_file_that_is_no_notebook_is_not_overwritten(built, sheet, text, said):
    sheet.write_text(text, encoding="utf-8")
    report = build(root=built)
    assert said in report.problems[0]
    assert sheet.read_text(encoding="utf-8") == text
    build(root=built, force=True)
    assert sheet.with_name("exercises.ipynb.bak").read_text(encoding="utf-8") == text
    assert nbformat.read(sheet, as_version=4).cells


def test_a_notebook_without_text_goes_unless_it_holds_work(built, sheet):
    for name in ("exercises.md", "quiz.yml"):
        (built / "solutions" / MODULE / name).unlink()
    edit_cell(sheet, "double", ANSWER)
    report = build(root=built)
    assert report.problems == []
    assert statuses(report)["quiz.ipynb"] == "removed"
    assert not sheet.with_name("quiz.ipynb").exists()
    assert sheet.exists()


def test_a_student_s_other_files_are_left_alone(built, sheet):
    notes = sheet.with_name("notes.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), notes)
    before = notes.read_bytes()
    build(root=built, force=True)
    assert notes.read_bytes() == before


def test_the_start_page_is_protected_too(built):
    page = built / "modules" / "start.ipynb"
    notebook = json.loads(page.read_text(encoding="utf-8"))
    notebook["cells"].append({"cell_type": "markdown", "id": "x1", "metadata": {}, "source": "my plan"})
    page.write_text(json.dumps(notebook), encoding="utf-8")
    assert build(root=built).problems == []
    edit(built / "solutions" / "start.md", "# Start", "# Begin")
    assert "modules/start.ipynb" in build(root=built).problems[0].replace("\\", "/")
    assert "my plan" in page.read_text(encoding="utf-8")


def test_a_disk_that_refuses_leaves_everything_as_it_was(built, sheet, monkeypatch):
    change_exercise(built)
    before = files_of(built)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    report = build(root=built)
    assert "No space left on device" in report.problems[0]
    assert files_of(built) == before
    assert sheet.exists()
