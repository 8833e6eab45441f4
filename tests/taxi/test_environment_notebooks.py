"""Notebooks that were run out of order, half, or not at all; and running cells as a person would."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import environment


def notebook(*counts, outputs=()):
    cells = [
        new_code_cell(f"x = {number}", execution_count=count, id=f"c{number}") for number, count in enumerate(counts)
    ]
    for number, output in outputs:
        cells[number].outputs = [output]
    return new_notebook(cells=cells)


def kinds(*counts, **options):
    return [problem.kind for problem in environment.notebook_problems(notebook(*counts, **options))]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((), []),
        ((1,), []),
        ((1, 2, 3), []),
        ((None, None), ["not run"]),
        ((1, None, 2), ["half run"]),
        ((1, 2, None), ["half run"]),
        ((2, 1), ["out of order"]),
        ((1, 3, 2), ["out of order"]),
        ((1, 1), ["out of order", "gap"]),
        ((1, 3), ["gap"]),
        ((5,), ["gap"]),
        ((3, None, 1), ["half run", "out of order", "gap"]),
    ],
)
def test_counts_tell_how_it_was_run(counts, expected):
    assert kinds(*counts) == expected


def test_a_problem_names_its_cells():
    (problem,) = environment.notebook_problems(notebook(2, 1))
    assert problem.text == "cell 2 ran as [1], and cell 1 above it as [2]"


def test_an_error_in_the_outputs_is_a_problem():
    error = new_output("error", ename="KeyError", evalue="'fare'", traceback=[])
    assert kinds(1, 2, outputs=[(1, error)]) == ["error"]


def test_empty_cells_and_text_do_not_count():
    cells = [
        new_code_cell(" \n", id="a"),
        new_markdown_cell("text", id="b"),
        new_code_cell("1", execution_count=1, id="c"),
    ]
    assert environment.notebook_problems(new_notebook(cells=cells)) == []
    assert environment.notebook_problems(new_notebook(cells=cells[:2])) == []


def test_a_file_is_read_whatever_its_format(tmp_path, recwarn):
    path = tmp_path / "Größe.ipynb"
    nbformat.write(notebook(2, 1), path)
    assert [problem.kind for problem in environment.notebook_problems(path)] == ["out of order"]
    assert [problem.kind for problem in environment.notebook_problems(str(path))] == ["out of order"]
    cell = {"cell_type": "code", "collapsed": False, "input": ["1"], "language": "python", "metadata": {}}
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    old["worksheets"] = [{"cells": [{**cell, "outputs": [], "prompt_number": 4}], "metadata": {}}]
    path.write_text(json.dumps(old), encoding="utf-8")
    assert [problem.kind for problem in environment.notebook_problems(path)] == ["gap"]
    assert not recwarn.list


def test_a_file_that_is_no_notebook_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"no notebook gone\.ipynb"):
        environment.notebook_problems(tmp_path / "gone.ipynb")
    for text in ["", "not json", "[1, 2]", '{"cells": 3, "nbformat": 4}', '{"nbformat": "x"}']:
        path = tmp_path / "broken.ipynb"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CourseError, match=r"broken\.ipynb cannot be read"):
            environment.notebook_problems(path)


def test_stripping_leaves_the_code_and_the_original_alone():
    output = new_output("stream", name="stdout", text="10 minutes")
    before = notebook(1, 2, outputs=[(0, output)])
    before.cells[0].metadata["execution"] = {"iopub.execute_input": "2021-01-01T00:00:00Z"}
    bare = environment.strip_outputs(before)
    assert [cell.source for cell in bare.cells] == [cell.source for cell in before.cells]
    assert all(cell.execution_count is None and cell.outputs == [] and cell.metadata == {} for cell in bare.cells)
    assert before.cells[0].outputs == [output]


def test_cells_run_in_the_order_asked_for_and_errors_stay_as_outputs(capfd):
    cells = [
        new_code_cell("minutes = [5, 10]", id="a"),
        new_markdown_cell("Boarding takes a minute.", id="b"),
        new_code_cell("minutes = [m + 1 for m in minutes]", id="c"),
        new_code_cell("print(sum(minutes))", id="d"),
        new_code_cell("1 / 0", id="e"),
    ]
    done = environment.run_cells(new_notebook(cells=cells), [0, 2, 2, 4, 3])
    assert [cell.get("execution_count") for cell in done.cells] == [1, None, 3, 5, 4]
    assert done.cells[3].outputs[0].text == "19\n"
    assert [problem.kind for problem in environment.notebook_problems(done)] == ["out of order", "gap", "error"]
    assert capfd.readouterr().err == ""
    again = environment.run_cells(done)  # a fresh kernel: nothing is left of the first
    assert again.cells[3].outputs[0].text == "17\n"
    assert [problem.kind for problem in environment.notebook_problems(again)] == ["error"]


def test_only_code_cells_can_be_run():
    with pytest.raises(UsageError, match=r"\[1, 9\] are no code cells; there are code cells at \[0\]"):
        environment.run_cells(new_notebook(cells=[new_code_cell("1"), new_markdown_cell("x")]), [0, 1, 9])
