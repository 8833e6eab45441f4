"""`course maturity` and `course capstone`, as they are typed."""

import json

import pytest

from tests.taxi.maturity.projects import MANAGED, commit, write


@pytest.fixture
def project(tmp_path):
    return commit(write(tmp_path / "project", MANAGED))


def test_the_table_and_the_next_step(course, project):
    code, out, _ = course("maturity", str(project))
    assert code == 0
    for word in ("managed", "5 of 5, holds", "does not hold", "✓", "✗", "Level 1, managed", "Next step"):
        assert word in out, word


def test_json_and_picture(course, project, tmp_path):
    picture = tmp_path / "pictures" / "radar.png"
    code, out, err = course("maturity", str(project), "--json", "--plot", str(picture))
    assert code == 0
    found = json.loads(out)
    assert (found["level"], found["number"], found["shares"]["managed"]) == ("managed", 1, 1.0)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "Radar" in err


def test_the_current_directory_is_the_default(course, project, monkeypatch):
    monkeypatch.chdir(project)
    code, out, _ = course("maturity", "--json")
    assert (code, json.loads(out)["level"]) == (0, "managed")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere"], "no directory"),
        (["a.txt"], "is a file"),
        (["empty"], "empty"),
        (["full", "--plot", "radar.doc"], ".png"),
    ],
)
def test_bad_questions_are_answered_plainly(course, tmp_path, monkeypatch, arguments, word):
    write(tmp_path, {"a.txt": "x", "full/run.py": "print(1)"})
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, err = course("maturity", *arguments)
    assert (code, out) == (2, "")
    assert word in err
    assert "Traceback" not in err


def test_a_directory_that_may_not_be_read(course, tmp_path, monkeypatch):
    from pathlib import Path

    write(tmp_path / "shut", {"a.py": "x"})

    def refuse(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    code, _, err = course("maturity", str(tmp_path / "shut"))
    assert code == 2
    assert "Permission denied" in err


def test_a_capstone_begins_with_nothing(course, tmp_path):
    folder = tmp_path / "mine"
    code, _, err = course("capstone", "start", str(folder))
    assert code == 0
    assert "TASK.md" in err
    code, out, _ = course("capstone", "check", str(folder), "--step", "1", "--step", "5", "--json")
    found = json.loads(out)
    assert (code, found["earned"], found["points"]) == (1, 0, 8)
    assert [step["number"] for step in found["steps"]] == [1, 5]
    code, out, _ = course("capstone", "check", str(folder), "--step", "1")
    assert code == 1
    for word in ("Somebody else can run it", "0 of 4", "expected:", "found:", "→"):
        assert word in out


def test_a_step_that_is_done_exits_with_nothing(course, tmp_path):
    from tests.taxi.maturity.capstones import reference

    code, out, _ = course("capstone", "check", str(reference(tmp_path / "reference")), "--step", "1")
    assert code == 0, out
    assert "4 of 4 points" in out


def test_capstones_are_asked_for_rightly(course, tmp_path):
    (tmp_path / "full.txt").write_text("x", encoding="utf-8")
    for arguments, word in [
        (["start", str(tmp_path)], "not empty"),
        (["check", str(tmp_path / "no")], "no directory"),
        (["check", str(tmp_path), "--step", "9"], "no step 9"),
        (["check", str(tmp_path), "--limit", "0"], "0 seconds"),
    ]:
        code, _, err = course("capstone", *arguments)
        assert code == 2, arguments
        assert word in err


def test_help_says_that_a_check_runs_the_code(course):
    code, out, _ = course("capstone", "check", "--help")
    assert code == 0
    assert "RUNS THE DIRECTORY'S CODE" in out
