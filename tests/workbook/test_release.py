"""What students get: everything they need, nothing they must not see, and a memory of what it was."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum

from course_lib.workbook import pristine
from course_lib.workbook.assemble import assemble
from course_lib.workbook.modules import find_modules
from course_lib.workbook.release import ReleaseError, generate_release
from tests.workbook.secrets_of import leaks, secrets
from tests.workbook.small_course import MODULE, edit, edit_cell


def released(root, name):
    return nbformat.read(root / "modules" / MODULE / f"{name}.ipynb", as_version=4)


def graded(notebook) -> dict:
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}


def test_only_notebooks_reach_students(built):
    names = sorted(path.name for path in (built / "modules" / MODULE).iterdir())
    assert names == ["exercises.ipynb", "lesson.ipynb", "quiz.ipynb"]


def test_solutions_become_stubs(built):
    cells = graded(released(built, "exercises"))
    assert cells["double"].source == "def double(n):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert cells["worth_it"].source == "YOUR ANSWER HERE"
    assert graded(released(built, "quiz"))["leak"].source.endswith("\nleak = None")


def test_visible_tests_stay_and_hidden_ones_go(built):
    source = graded(released(built, "exercises"))["double-test"].source
    assert "assert double(2) == 4" in source
    assert "-41" not in source


def test_no_secret_is_in_a_release(built):
    module, release = built / "solutions" / MODULE, built / "modules" / MODULE
    known = secrets(module)
    for expected in (
        "twice = n + n",
        'stage = "monitoring"',
        "Because riders gain a quarter of an hour.",
        "- 2 points: names who gains",
        "The fare is told after the ride has ended.",
        "It is the root of the mean of the squares.",
    ):
        assert expected in known
    assert leaks(module, release) == []


def test_the_search_for_secrets_finds_one(built):
    """It must not pass because it looks in the wrong place: metadata counts too."""
    module, release = built / "solutions" / MODULE, built / "modules" / MODULE
    path = release / "quiz.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["course"]["pristine"][0]["source"] += 'The rider typed the "zones" {both}.'
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert leaks(module, release) == ['quiz.ipynb: The rider typed the "zones" {both}.']


def test_a_quiz_key_is_nowhere_in_the_release(built):
    """Another key, another reason or another hidden test gives the very same release."""
    before = (built / "modules" / MODULE / "quiz.ipynb").read_bytes()
    text = built / "solutions" / MODULE / "quiz.yml"
    edit(text, "key: b", "key: c")
    edit(text, "key: [a, c]", "key: [b, d]")
    edit(text, "key: 12.5", "key: 99.5")
    edit(text, "That is what", "This is what")
    module = find_modules([MODULE], built)[0]
    assert generate_release(module, {"quiz": assemble(module, "quiz", [module])})["quiz.ipynb"] == before


def test_students_can_edit_answers_and_not_tests(built):
    cells = graded(released(built, "exercises"))
    assert cells["double"].metadata.get("editable", True)
    assert not cells["double"].metadata["deletable"]
    assert not cells["double-test"].metadata["editable"]


def test_checksums_are_those_of_the_release(built):
    for name in ("exercises", "quiz"):
        notebook = released(built, name)
        MetadataValidator().validate_nb(notebook)
        for cell in graded(notebook).values():
            assert cell.metadata.nbgrader.checksum == compute_checksum(cell)


def test_ids_derive_from_the_text_and_tell_no_solution(built):
    cells = released(built, "exercises").cells
    assert [c.id for c in cells if "nbgrader" in c.metadata] == [
        *("double", "double-test", "double-test-text", "stage", "stage-test", "worth_it")
    ]
    assert len({c.id for c in cells}) == len(cells)


# ---- what the release remembers


def test_a_release_remembers_its_graded_cells(built):
    notebook = released(built, "exercises")
    entry = notebook.metadata["course"]
    assert (entry["module"], entry["notebook"]) == (MODULE, "exercises")
    cells = pristine.read(notebook)
    assert [c["grade_id"] for c in cells] == list(graded(notebook))
    for remembered in cells:
        cell = graded(notebook)[remembered["grade_id"]]
        assert remembered["source"] == cell.source
        assert remembered["cell_type"] == cell.cell_type
        assert remembered["nbgrader"] == cell.metadata.nbgrader
        assert remembered["id"] == cell.id
    assert pristine.is_untouched(notebook)


def test_the_memory_does_not_change_with_the_cells(built):
    edit_cell(built / "modules" / MODULE / "exercises.ipynb", "double-test", "pass")
    notebook = released(built, "exercises")
    assert not pristine.is_untouched(notebook)
    remembered = next(c for c in pristine.read(notebook) if c["grade_id"] == "double-test")
    assert "assert double(2) == 4" in remembered["source"]
    remembered["nbgrader"]["points"] = 99
    assert pristine.read(notebook)[1]["nbgrader"]["points"] == 6


@pytest.mark.parametrize(
    "course", [None, "text", {}, {"pristine": "text"}, {"pristine": [{"grade_id": 1}]}, {"pristine": [7]}]
)
def test_a_notebook_without_a_good_memory_has_none(course):
    notebook = nbformat.v4.new_notebook()
    if course is not None:
        notebook.metadata["course"] = course
    assert pristine.read(notebook) is None
    assert not pristine.is_untouched(notebook)


# ---- what can go wrong


def test_without_settings_there_is_no_release(built):
    (built / "nbgrader_config.py").unlink()
    module = find_modules([MODULE], built)[0]
    with pytest.raises(ReleaseError, match=r"cannot read .*nbgrader_config\.py"):
        generate_release(module, {})


def test_what_nbgrader_refuses_is_told(built):
    module = find_modules([MODULE], built)[0]
    notebook = assemble(module, "exercises", [module])
    twin = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "double-test")
    notebook.cells.append(nbformat.from_dict({**twin, "id": "twin"}))
    with pytest.raises(ReleaseError, match=r"nbgrader cannot make a release of 01_small: .*[Dd]uplicate grade id"):
        generate_release(module, {"exercises": notebook})
