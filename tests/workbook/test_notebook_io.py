"""A notebook file that is none gets a message that says what it is and what to do."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import nbformat
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.workbook import files
from course_lib.workbook.notebook_io import (
    NotANotebook,
    NotebookNotFound,
    OldFormat,
    WrongKernel,
    kernel_name,
    read_notebook,
    write_notebook,
)

V3 = {
    "nbformat": 3,
    "nbformat_minor": 0,
    "metadata": {"name": ""},
    "worksheets": [
        {
            "cells": [
                {
                    "cell_type": "code",
                    "language": "python",
                    "input": ["a = 1\n", "a"],
                    "outputs": [],
                    "metadata": {"nbgrader": {"grade_id": "first"}},
                }
            ]
        }
    ],
}


def small() -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Größe 🔔", id="top"), nbformat.v4.new_code_cell("1 +\\\n 1")]
    return notebook


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b'{"cells": [', "ends too early"),
        (b'{"cells": oops}', "line 1, column 11"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"{\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> theirs\n}", "Git conflict"),
        (b"PK\x03\x04\x14\x00\x00\x00\xff\xfe", "zip archive: unpack"),
        (b"\x89PNG\r\n\x1a\n\xff", "not text"),
        (b"[1, 2]", "a list, not an object"),
        (b'{"rows": 3}', "no list of cells"),
        (b'{"nbformat": 4, "metadata": {}, "cells": 7}', "no list of cells"),
        (b'{"nbformat": 4, "metadata": {}, "cells": [7]}', "cell 1 is neither code nor text"),
        (b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code"}]}', "cell 1 has no text"),
        (b'{"nbformat": 9, "metadata": {}, "cells": []}', "format 9, newer than"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_notebook_is_named_for_what_it_is(tmp_path, content, says):
    path = tmp_path / "exercises.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotANotebook) as caught:
        read_notebook(path)
    assert says in str(caught.value)
    assert "exercises.ipynb" in str(caught.value)
    assert path.read_bytes() == content


def test_old_format_says_how_to_convert_and_the_advice_works(tmp_path):
    path = tmp_path / "old one.ipynb"
    path.write_text(json.dumps(V3), encoding="utf-8")
    with pytest.raises(OldFormat, match="old format 3") as caught:
        read_notebook(path)
    advice = next(line for line in str(caught.value).splitlines() if line.strip().startswith("jupyter"))
    assert advice.split()[:6] == ["jupyter", "nbconvert", "--to", "notebook", "--nbformat", "4"]
    command = [sys.executable, "-m", *advice.split('"')[0].split(), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert read_notebook(path).cells[0].source == "a = 1\na"


def test_old_format_is_upgraded_in_memory_only_when_asked(tmp_path):
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(V3), encoding="utf-8")
    before = path.read_bytes()
    notebook = read_notebook(path, upgrade=True)
    assert [c.source for c in notebook.cells] == ["a = 1\na"]
    assert notebook.cells[0].metadata.nbgrader.grade_id == "first"
    assert notebook.metadata.orig_nbformat == 3
    assert path.read_bytes() == before


def test_a_missing_file_lists_its_neighbours_and_a_folder_is_refused(tmp_path):
    write_notebook(tmp_path / "exercises.ipynb", small())
    with pytest.raises(NotebookNotFound, match=r"exercises\.ipynb"):
        read_notebook(tmp_path / "exercise.ipynb")
    with pytest.raises(UsageError, match="is a folder"):
        read_notebook(tmp_path)


def test_duplicate_ids_and_missing_fields_survive_reading(tmp_path):
    cell = {"cell_type": "code", "id": "same", "source": ["a\n", "b"]}
    path = tmp_path / "copied.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [cell, cell]}), encoding="utf-8")
    notebook = read_notebook(path)
    assert [c.id for c in notebook.cells] == ["same", "same"]
    assert notebook.cells[0].source == "a\nb"
    assert notebook.cells[0].outputs == []


def test_written_notebooks_are_valid_the_same_bytes_and_unix_lines(tmp_path):
    notebook = small()
    del notebook.cells[1]["id"]
    write_notebook(tmp_path / "new folder" / "a.ipynb", notebook)
    first = (tmp_path / "new folder" / "a.ipynb").read_bytes()
    again = read_notebook(tmp_path / "new folder" / "a.ipynb")
    nbformat.validate(again)
    write_notebook(tmp_path / "b.ipynb", again)
    write_notebook(tmp_path / "c.ipynb", notebook)
    assert (tmp_path / "b.ipynb").read_bytes() == first == (tmp_path / "c.ipynb").read_bytes()
    assert first.endswith(b"}\n")
    assert b"\r" not in first
    assert "Größe 🔔" in first.decode()
    assert "id" not in notebook.cells[1], "writing must not change the notebook it was given"


def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    write_notebook(path, small())
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(CourseError, match=r"No space left.*unchanged"):
        write_notebook(path, nbformat.v4.new_notebook())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.ipynb"]


@pytest.mark.parametrize("name", ["python3", "conda-env-ml", "ir"])
def test_any_python_kernel_runs_on_ours_and_other_languages_are_refused(name):
    notebook = small()
    language = "R" if name == "ir" else "python"
    notebook.metadata.kernelspec = {"name": name, "display_name": name.upper(), "language": language}
    if name == "ir":
        with pytest.raises(WrongKernel, match=r"IR.*Change Kernel"):
            kernel_name(notebook, "x.ipynb")
    else:
        assert kernel_name(notebook, "x.ipynb") == "python3"
    assert kernel_name(small(), "x.ipynb") == "python3"


def test_reading_does_not_pay_for_the_grammar_of_web_addresses(tmp_path):
    write_notebook(tmp_path / "a.ipynb", small())
    code = (
        "import sys; from course_lib.workbook.notebook_io import read_notebook; "
        f"read_notebook({str(tmp_path / 'a.ipynb')!r}); assert 'jsonschema' in sys.modules; "
        "assert 'rfc3987_syntax' not in sys.modules and 'lark' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
