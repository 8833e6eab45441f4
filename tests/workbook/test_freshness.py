"""`course build --check`: every way in which something built can be stale is found, named, and left alone."""

from __future__ import annotations

import json

import nbformat
import pytest

from course_lib.workbook import freshness
from course_lib.workbook.freshness import find_stale
from course_lib.workbook.notebook_io import write_notebook
from tests.workbook.small_course import MODULE, edit, edit_cell, files_of

SOLUTION = f"solutions/{MODULE}/exercises.ipynb"
RELEASE = f"modules/{MODULE}/exercises.ipynb"


def stale(root) -> dict[str, str]:
    return {entry.path.relative_to(root).as_posix(): "; ".join(entry.reasons) for entry in find_stale(root=root)}


def change(path, function) -> None:
    notebook = nbformat.read(path, as_version=4)
    function(notebook)
    write_notebook(path, notebook)


def test_a_fresh_build_is_fresh(built):
    assert stale(built) == {}


def test_a_changed_text_makes_solution_and_release_stale(built):
    edit(built / "solutions" / MODULE / "exercises.md", "# Exercises", "# More exercises")
    found = stale(built)
    assert sorted(found) == [RELEASE, SOLUTION]
    assert "cell 2" in found[SOLUTION]
    assert "source" in found[SOLUTION]


def test_a_changed_hidden_test_makes_the_solution_stale_alone(built):
    edit(built / "solutions" / MODULE / "exercises.md", "double(-41) == -82, ", "double(-41) == -41 * 2, ")
    assert sorted(stale(built)) == [SOLUTION]


def test_changed_points_are_seen(built):
    edit(built / "solutions" / MODULE / "exercises.md", ":points: 6", ":points: 5")
    found = stale(built)
    assert sorted(found) == [RELEASE, SOLUTION]
    assert "metadata" in found[SOLUTION]


def test_a_changed_title_reaches_the_start_page(built):
    edit(built / "solutions" / MODULE / "lesson.md", "title: A small lesson", "title: Another lesson")
    assert sorted(stale(built)) == ["modules/start.ipynb", "solutions/start.ipynb"]


def clear(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def swap_counts(notebook):
    first, second = [c for c in notebook.cells if c.cell_type == "code"][:2]
    first.execution_count, second.execution_count = second.execution_count, first.execution_count


def add_error(notebook):
    cell = next(c for c in notebook.cells if c.cell_type == "code")
    cell.outputs.append(nbformat.v4.new_output("error", ename="KeyError", evalue="'fare'", traceback=[]))


def add_stderr(notebook):
    cell = next(c for c in notebook.cells if c.cell_type == "code")
    cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text="FutureWarning: soon"))


def drop_cell(notebook):
    del notebook.cells[3]


def touch_metadata(notebook):
    notebook.metadata["language_info"]["version"] = "3.11.4"


@pytest.mark.parametrize(
    ("change_it", "reason"),
    [
        (clear, "its cells have not been executed in order"),
        (swap_counts, "its cells have not been executed in order"),
        (add_error, "cell 3 fails with KeyError: 'fare'"),
        (add_stderr, "cell 3 prints to stderr, which graders count as a failure: FutureWarning: soon"),
        (drop_cell, "it has 9 cells instead of 10"),
        (touch_metadata, "the notebook's metadata is not the same"),
    ],
)
def test_a_changed_solution_is_stale(built, change_it, reason):
    change(built / SOLUTION, change_it)
    found = stale(built)
    assert list(found) == [SOLUTION]
    assert reason in found[SOLUTION]


def test_a_solution_saved_in_another_form_is_stale(built):
    path = built / SOLUTION
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    assert stale(built) == {SOLUTION: "was saved by another program"}


def test_a_solution_that_is_no_notebook(built):
    (built / SOLUTION).write_text("<html>", encoding="utf-8")
    assert stale(built) == {SOLUTION: "is no notebook of format 4"}


def test_a_release_is_compared_byte_by_byte(built):
    path = built / RELEASE
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert stale(built) == {RELEASE: "was saved by another program"}


def test_an_executed_release_says_how_to_clear_it(built):
    def run(notebook):
        cell = next(c for c in notebook.cells if c.cell_type == "code")
        cell.outputs.append(nbformat.v4.new_output("stream", text="hello"))

    change(built / RELEASE, run)
    assert stale(built) == {RELEASE: "has outputs (`course build --force` clears them)"}


def test_an_edited_release_names_the_cell(built):
    edit_cell(built / RELEASE, "double", "def double(n):\n    return 3")
    assert stale(built) == {RELEASE: "cell 3 (double): not the same source"}


def test_windows_line_ends_are_no_difference(built):
    """A checkout on Windows may have them."""
    for name in (SOLUTION, RELEASE, "modules/start.ipynb"):
        path = built / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert stale(built) == {}


def test_missing_files_are_stale(built):
    for name in (SOLUTION, RELEASE, "modules/start.ipynb"):
        (built / name).unlink()
    assert stale(built) == {SOLUTION: "is missing", RELEASE: "is missing", "modules/start.ipynb": "is missing"}


def test_a_release_whose_text_is_gone_is_stale(built):
    (built / "solutions" / MODULE / "quiz.yml").unlink()
    found = stale(built)
    assert found[f"modules/{MODULE}/quiz.ipynb"] == "has no text any more"


def test_a_text_that_cannot_be_read_is_a_reason(built):
    edit(built / "solutions" / MODULE / "quiz.yml", "key: b", "key: z")
    found = stale(built)
    assert "key: z is not among the options" in found[f"solutions/{MODULE}"]


def test_sizes_are_checked(built, monkeypatch):
    monkeypatch.setattr(freshness, "NOTEBOOK_LIMIT", 5_000)
    assert any("the limit is 5 KB" in reason for reason in stale(built).values())


def test_check_never_writes_or_executes(built, command, monkeypatch):
    edit(built / "solutions" / MODULE / "lesson.md", "count = 3", "count = 4")
    (built / RELEASE).unlink()
    before = files_of(built)
    monkeypatch.setattr("course_lib.workbook.execute.execute", None)
    code, out, err = command("build", "--check")
    assert (code, out) == (1, "")
    assert "not what the text builds" in err
    assert f"{RELEASE}: is missing" in err
    assert files_of(built) == before


def test_check_as_json(built, command):
    assert json.loads(command("build", "--check", "--json")[1]) == {"stale": []}
    (built / RELEASE).unlink()
    code, out, _ = command("build", "--check", "--json")
    assert code == 1
    assert json.loads(out) == {"stale": [{"file": RELEASE, "reasons": ["is missing"]}]}
