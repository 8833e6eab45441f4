"""`course check --repair`: the released form comes back, answers stay, and the file as it was is kept."""

from __future__ import annotations

import copy
from datetime import datetime

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.workbook import pristine
from course_lib.workbook.alignment import align
from course_lib.workbook.notebook_io import notebook_text, read_notebook
from course_lib.workbook.repair import repaired, write_repair
from tests.workbook.small_course import MODULE
from tests.workbook.test_check import GOOD, at

NOON = datetime(2026, 11, 21, 12, 0, 0)


@pytest.fixture(scope="module")
def release(built_once):
    return read_notebook(built_once / "modules" / MODULE / "exercises.ipynb")


def answered(release):
    notebook = copy.deepcopy(release)
    for name, text in GOOD.items():
        notebook.cells[at(notebook, name)].source = text
    return notebook


def repair(notebook, release):
    cells = pristine.read(release)
    return repaired(notebook, cells, align(cells, notebook), release.metadata["course"])


def content(notebook):
    return [(c.cell_type, c.source, c.metadata.get("nbgrader"), c.get("id")) for c in notebook.cells]


def test_a_whole_notebook_stays_as_it_is(release):
    notebook = answered(release)
    own = nbformat.v4.new_code_cell("helper = 1", id="mine")
    notebook.cells.insert(4, own)
    assert content(repair(notebook, release)) == content(notebook)
    assert notebook_text(repair(notebook, release)) == notebook_text(notebook)


def test_every_kind_of_damage_is_undone_and_answers_are_kept(release):
    notebook = answered(release)
    double = notebook.cells[at(notebook, "double")]
    double.cell_type, double.source = "markdown", "```python\n" + GOOD["double"] + "```"
    notebook.cells[at(notebook, "double-test")].source = "assert True"
    del notebook.cells[at(notebook, "stage-test")]
    notebook.cells.append(notebook.cells.pop(at(notebook, "double-test-text")))
    twin = copy.deepcopy(notebook.cells[at(notebook, "stage")])
    twin.source = 'stage = "a second thought"'
    notebook.cells.append(twin)
    test = copy.deepcopy(notebook.cells[at(notebook, "double-test-text")])
    notebook.cells.insert(0, test)
    mended = repair(notebook, release)
    assert align(pristine.read(release), mended).findings == []
    assert mended.cells[at(mended, "double")].source.strip() == GOOD["double"].strip()
    assert mended.cells[at(mended, "worth_it")].source == GOOD["worth_it"]
    graded = [c.metadata.nbgrader.grade_id for c in mended.cells if "nbgrader" in c.metadata]
    assert graded == [cell["grade_id"] for cell in pristine.read(release)]
    assert len({c["id"] for c in mended.cells if "id" in c}) == len([c for c in mended.cells if "id" in c])
    # the second answer is kept as an ordinary cell; the copied test, which adds nothing, is gone
    assert [c.source for c in mended.cells].count('stage = "a second thought"') == 1
    assert [c.source for c in mended.cells].count(test.source) == 1
    nbformat.validate(nbformat.reads(notebook_text(mended), as_version=4))


def test_a_deleted_test_comes_back_right_behind_its_answer(release):
    notebook = answered(release)
    del notebook.cells[at(notebook, "double-test")]
    mended = repair(notebook, release)
    assert at(mended, "double-test") == at(mended, "double") + 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_to_the_cells_a_repair_makes_it_whole_and_is_done_once(release, data):
    notebook = answered(release)
    for _ in range(data.draw(st.integers(1, 6))):
        if not notebook.cells:
            break
        index = data.draw(st.integers(0, len(notebook.cells) - 1))
        cell = notebook.cells[index]
        match data.draw(st.sampled_from(["delete", "copy", "move", "retype", "edit", "strip", "clear"])):
            case "delete":
                del notebook.cells[index]
            case "copy":
                notebook.cells.insert(data.draw(st.integers(0, len(notebook.cells))), copy.deepcopy(cell))
            case "move":
                notebook.cells.insert(data.draw(st.integers(0, len(notebook.cells) - 1)), notebook.cells.pop(index))
            case "retype":
                cell.cell_type = "markdown" if cell.cell_type == "code" else "code"
                cell.update({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {})
            case "edit":
                cell.source += "\n# more"
            case "strip":
                cell.metadata.clear()
            case "clear":
                cell.source = ""
    before = copy.deepcopy(notebook)
    mended = repair(notebook, release)
    assert notebook == before, "the notebook given must not change"
    assert align(pristine.read(release), mended).findings == []
    again = repair(mended, release)
    assert content(again) == content(mended)


def test_the_backup_is_the_file_byte_for_byte_and_never_overwrites_another(release, tmp_path):
    path = tmp_path / "exercises.ipynb"
    path.write_bytes(b'{"as": "it was"}  ')
    first = write_repair(path, release, now=NOON)
    assert first.name == "exercises.ipynb.20261121-120000.bak"
    assert first.read_bytes() == b'{"as": "it was"}  '
    assert read_notebook(path).cells == release.cells
    second = write_repair(path, release, now=NOON)
    assert second != first
    assert first.read_bytes() == b'{"as": "it was"}  '
