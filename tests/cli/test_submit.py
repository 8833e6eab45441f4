"""What a student packs is what the grader finds: the one contract between two wings that never meet."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import tree
from course_lib.grading.assignment import load_module
from course_lib.grading.submissions import find
from course_lib.paths import project_root

ROOT = project_root()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "modules" / "01_intro", tmp_path / "modules" / "01_intro")
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    return tmp_path


def test_a_packed_module_is_found_by_the_grader(copy):
    done = CliRunner().invoke(tree(), ["submit", "01_intro", "--student", "zoë", "--to", str(copy / "class"), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert "clean_trips" in told["unanswered"]["exercises.ipynb"]
    found = find(copy / "class", load_module(ROOT / "solutions" / "01_intro"))
    assert not found.rejected
    assert [(s.student, s.module) for s in found.submissions] == [("zoë", "01_intro")]
    assert found.submissions[0].timestamp.endswith("UTC")


def test_people_read_where_the_zip_lies_in_the_last_line(copy):
    done = CliRunner().invoke(tree(), ["submit", "intro", "--student", "zoe", "--to", str(copy)])
    assert done.stderr.strip().splitlines()[-1] == f"Upload this file: {copy / 'zoe-01_intro.zip'}"
    assert done.stdout == ""


def test_a_damaged_notebook_is_packed_and_the_damage_told(copy):
    path = copy / "modules" / "01_intro" / "exercises.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] != "clean_trips-test-edges"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    done = CliRunner().invoke(tree(), ["submit", "intro", "--student", "zoe", "--to", str(copy), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["damaged"] == {"exercises.ipynb": ["the test “clean_trips-test-edges” is gone"]}
    assert "course check modules/01_intro/exercises.ipynb --repair" in done.stderr
    assert (copy / "zoe-01_intro.zip").is_file()


def test_on_a_hub_it_goes_to_one_s_own_folder_under_one_s_own_name(copy, monkeypatch):
    monkeypatch.setenv("COURSE_SUBMIT_TO", str(copy / "class" / "zoe"))
    monkeypatch.setenv("COURSE_STUDENT", "zoe")
    done = CliRunner().invoke(tree(), ["submit", "intro"])
    zipped = copy / "class" / "zoe" / "zoe-01_intro.zip"
    assert done.stderr.strip().splitlines()[-1] == f"Handed in as zoe: your instructor takes it from {zipped}"
    found = find(copy / "class", load_module(ROOT / "solutions" / "01_intro"))
    assert [(s.student, s.module, s.notes) for s in found.submissions] == [("zoe", "01_intro", [])]
    other = CliRunner().invoke(tree(), ["submit", "intro", "--student", "ann"])
    assert "leave --student out" in str(other.exception)
    assert list((copy / "class" / "zoe").iterdir()) == [zipped]
