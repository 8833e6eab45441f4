"""`course check` as a student types it: plain words on stderr, JSON on stdout, exit 0 only when ready."""

from __future__ import annotations

import json

import pytest

from course_lib.workbook.notebook_io import read_notebook, write_notebook
from tests.workbook.small_course import MODULE, edit_cell
from tests.workbook.test_check import GOOD, at


@pytest.fixture
def path(built, monkeypatch):
    """The exercises, from the folder of their module, as in a notebook's cell."""
    monkeypatch.chdir(built / "modules" / MODULE)
    return built / "modules" / MODULE / "exercises.ipynb"


def answer(path, **texts):
    for name, text in (GOOD | texts).items():
        edit_cell(path, name, text)


def test_ready_is_exit_0_and_says_how_to_hand_in(command, path):
    answer(path)
    code, out, err = command("check", "exercises.ipynb")
    assert code == 0
    assert out == ""
    assert "ok    double (8 points): passes the tests you can see" in err
    assert "ok    worth_it (4 points): 6 words, graded by hand" in err
    assert "3 of 3 tasks are ready." in err
    assert "course submit" in err.splitlines()[-1]


def test_a_failing_test_speaks_and_an_open_task_is_open(command, path):
    edit_cell(path, "double", "def double(n):\n    return 3\n")
    code, _, err = command("check", "exercises.ipynb")
    assert code == 1
    assert "FAILS double (8 points): fails\n        Expected 4 for 2, got 3. Hint: add it to itself." in err
    assert "open  worth_it (4 points): not answered: still the placeholder" in err
    assert "0 of 3 tasks are ready." in err
    assert "submit" not in err


def test_repair_only_when_asked_and_with_a_backup(command, path):
    answer(path)
    damaged = read_notebook(path)
    del damaged.cells[at(damaged, "double-test")]
    write_notebook(path, damaged)
    before = path.read_bytes()
    code, _, err = command("check", "exercises.ipynb")
    assert code == 1
    assert "the test “double-test” is gone" in err
    assert "course check exercises.ipynb --repair" in err
    assert path.read_bytes() == before

    code, out, err = command("check", "exercises.ipynb", "--repair", "--json")
    told = json.loads(out)
    assert code == 0
    assert "Reload Notebook from Disk" in err
    (backup,) = path.parent.glob("exercises.ipynb.*.bak")
    assert told["backup"] == backup.name
    assert backup.read_bytes() == before
    code, _, err = command("check", "exercises.ipynb", "--repair")
    assert code == 0
    assert "Repaired" not in err
    assert list(path.parent.glob("*.bak")) == [backup], "nothing to repair makes no backup"


def test_json_says_the_same(command, path):
    edit_cell(path, "stage", GOOD["stage"])
    code, out, _ = command("check", "exercises.ipynb", "--json")
    told = json.loads(out)
    assert code == 1
    assert told["ok"] is False
    assert {task["name"]: task["status"] for task in told["tasks"]} == {
        "double": "unanswered",
        "stage": "passed",
        "worth_it": "unanswered",
    }
    assert told["findings"] == []
    assert told["backup"] is None


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [("exercise.ipynb", 2, "exercises.ipynb"), ("lesson.ipynb", 2, "no tasks"), (".", 2, "is a folder")],
)
def test_the_wrong_file_is_told_what_to_type(command, path, name, code, says):
    assert path.is_file()
    got, out, err = command("check", name)
    assert got == code
    assert says in err
    assert out == ""
    assert "Traceback" not in err
