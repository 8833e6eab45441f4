"""Whatever became of a notebook's cells, the student's answers are found, and every repair is reported."""

from __future__ import annotations

import copy
import json

import pytest

from course_lib.grading.rebuild import rebuild
from course_lib.grading.studentfile import Malformed, read
from tests.grading.classes.demo_course import SOLVED, content


@pytest.fixture
def cells(course):
    """A right notebook, to be damaged."""
    return course.answered(SOLVED)


def by_id(cells, name):
    return next(cell for cell in cells if cell["id"] == name)


def rebuilt(course, cells, **notebook):
    return rebuild(course.assignments["exercises"], read(content(cells, **notebook)))


def answers(result):
    found = {}
    for part in result.parts:
        if part.cell is not None and part.cell.kind in ("answer", "written"):
            found[part.cell.name] = part.source
    return found


def expected():
    return {name: text for name, text in SOLVED.items() if name != "leak"}


def test_an_intact_notebook_needs_no_repair(course, cells):
    result = rebuilt(course, cells)
    assert answers(result) == expected()
    assert (result.repairs, result.unanswered) == ([], [])


def test_tests_come_from_the_instructor_with_their_hidden_part(course, cells):
    by_id(cells, "total-test")["source"] = "pass"
    result = rebuilt(course, cells)
    part = next(p for p in result.parts if p.name == "total-test")
    assert "4812" in part.source
    assert result.repairs == ["the test cell total-test had been edited; it was put back as released"]


def test_a_deleted_test_is_put_back(course, cells):
    cells.remove(by_id(cells, "total-test"))
    result = rebuilt(course, cells)
    assert any(part.name == "total-test" for part in result.parts)
    assert result.repairs == ["the test cell total-test was missing; it was put back"]


def test_a_deleted_answer_counts_as_unanswered(course, cells):
    cells.remove(by_id(cells, "total"))
    result = rebuilt(course, cells)
    assert result.unanswered == ["total"]
    assert "raise NotImplementedError()" in answers(result)["total"]


def test_a_copied_test_is_left_out(course, cells):
    test = by_id(cells, "total-test")
    cells.insert(cells.index(test), {**copy.deepcopy(test), "id": "pasted"})
    result = rebuilt(course, cells)
    assert sum(part.name == "total-test" for part in result.parts) == 1
    assert len(result.parts) == len(course.assignments["exercises"].cells)
    assert result.repairs == ["the test cell total-test had been copied; 1 copy was left out"]


def test_of_two_answers_the_one_that_was_worked_on_is_taken(course, cells):
    answer = by_id(cells, "total")
    untouched = next(cell for cell in course.released("exercises") if cell["id"] == "total")
    cells.insert(cells.index(answer), untouched | {"id": "pasted"})
    result = rebuilt(course, cells)
    assert answers(result)["total"] == SOLVED["total"]


def test_moved_cells_go_back_to_their_place(course, cells):
    cells.insert(0, cells.pop(cells.index(by_id(cells, "stages"))))
    result = rebuilt(course, cells)
    names = [part.name for part in result.parts]
    assert names.index("stages") == names.index("stages-test") - 1
    assert result.repairs == ["the answer cell stages had been moved; it was put back in its place"]


def test_an_answer_in_a_text_cell_is_taken_as_code(course, cells):
    answer = by_id(cells, "total")
    answer["cell_type"], answer["source"] = "markdown", f"```python\n{SOLVED['total']}\n```"
    result = rebuilt(course, cells)
    assert answers(result)["total"] == SOLVED["total"]
    assert result.repairs == ["the answer cell total was a markdown cell; it was made a code cell again"]


@pytest.mark.parametrize("lost", ["grade ids", "cell ids", "both"])
def test_cells_are_found_without_their_ids(course, cells, lost):
    for cell in cells:
        if lost != "cell ids":
            cell["metadata"] = {}
        if lost != "grade ids":
            del cell["id"]
    result = rebuilt(course, cells, nbformat_minor=4)
    assert answers(result) == expected()
    assert result.unanswered == []


def test_duplicate_cell_ids_and_no_grade_ids(course, cells):
    for cell in cells:
        cell["metadata"], cell["id"] = {}, "same"
    result = rebuilt(course, cells)
    assert answers(result) == expected()
    assert any("had the id of another cell" in text for text in result.repairs)


def test_every_cell_deleted(course):
    result = rebuilt(course, [])
    assert sorted(result.unanswered) == sorted(expected())
    assert len(result.parts) == len(course.assignments["exercises"].cells)


def test_a_written_answer_below_its_cell_is_found(course, cells):
    written = by_id(cells, "why")
    cells.append({**copy.deepcopy(written), "id": "below", "metadata": {}, "source": "Because."})
    written["source"] = "YOUR ANSWER HERE"
    assert answers(rebuilt(course, cells))["why"] == "Because."


def test_an_import_added_to_the_instructors_cell_is_kept(course, cells):
    by_id(cells, "imports")["source"] = "import pandas as pd\nimport math"
    result = rebuilt(course, cells)
    assert [part.source for part in result.parts[1:3]] == ["import pandas as pd", "import pandas as pd\nimport math"]


def test_cells_after_the_last_graded_one_are_not_run(course, cells):
    names = [step.name for _, step in rebuilt(course, cells).steps()]
    assert names[-1] == "Counter-test"
    assert "together" not in names


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (b"", "the file is empty"),
        (b"  \n", "the file is empty"),
        (b'{"cells": [', "its JSON is broken in line 1"),
        (b'{"cells": [1, 2', "cut off while it was saved"),
        (b"<!DOCTYPE html><html>", "it is a web page"),
        (b"PK\x03\x04\xff\xfe", "the file is a zip archive"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"[1, 2]", "JSON, but not a notebook: a list"),
        (b'{"nbformat": 4}', "it has no list of cells"),
        (b"<<<<<<< HEAD\n{", "Git conflict"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_notebook_is_named(damage, message):
    with pytest.raises(Malformed, match=message.replace("(", r"\(")):
        read(damage)


def test_an_old_notebook_is_converted(course):
    import nbformat

    data = json.loads(content(course.answered(SOLVED)))
    old = nbformat.convert(nbformat.from_dict(data), 3)
    notebook = read(json.dumps(old).encode())
    assert notebook.malformed == "the notebook was in the old format 3; it was converted to format 4"
    assert answers(rebuild(course.assignments["exercises"], notebook)) == expected()


def test_another_kernel_is_replaced_and_reported(cells):
    other = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    assert "set to the kernel “R”" in read(content(cells, metadata=other)).malformed
    conda = {"kernelspec": {"name": "conda-env", "language": "python", "display_name": "x"}}
    notebook = read(content(cells, metadata=conda))
    assert (notebook.malformed, len(notebook.notes)) == ("", 1)


def test_damaged_cells_do_not_take_the_others_along(course, cells):
    damaged = [None, 7, {"cell_type": "code"}, {"cell_type": "code", "source": 3}, {"cell_type": "odd", "source": ""}]
    notebook = read(content([*damaged, *cells]))
    assert "damaged" in notebook.malformed
    assert answers(rebuild(course.assignments["exercises"], notebook)) == expected()
