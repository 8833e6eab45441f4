"""The doctor finds what is wrong, says what to type, and fails only for what is needed."""

import json
import sys
from pathlib import Path

from typer.testing import CliRunner

from course_lib import doctor
from course_lib.cli.app import tree
from course_lib.lock import read_lock

ROOT = Path(__file__).resolve().parent.parent


def test_a_missing_and_a_differing_package_are_named_with_both_versions():
    installed = {name: version for name, version, _ in read_lock(ROOT)}
    assert [finding.ok for finding in doctor.locked_packages(ROOT, installed)] == [True]
    locked = installed["pandas"]
    installed["pandas"] = "3.1.0"
    del installed["mlflow"]
    summary, *wrong = doctor.locked_packages(ROOT, installed)
    assert not summary.ok
    assert summary.advice == "make setup"
    found = {finding.part: finding.found for finding in wrong}
    assert set(found) == {"mlflow", "pandas"}
    assert found["pandas"] == f"3.1.0, locked is {locked}"
    assert found["mlflow"].startswith("missing")


def test_what_is_installed_is_what_is_locked():
    """Of the environment that runs this very test."""
    assert [finding for finding in doctor.locked_packages(ROOT) if not finding.ok] == []
    assert doctor.lock_is_exact(ROOT).ok


def test_packages_that_nobody_locked_are_named():
    locked = {name for name, _, _ in read_lock(ROOT)}
    assert doctor.other_packages(ROOT, locked | {"pip", "taxi_mlops_workbook"}).ok
    found = doctor.other_packages(ROOT, locked | {"Left_Pad", "pip"})
    assert (found.ok, found.kind, found.found) == (False, doctor.OPTIONAL, "1 not locked: left-pad")


def test_a_lock_that_lets_anything_in_is_not_healthy(tmp_path):
    (tmp_path / "requirements.lock").write_text("tqdm>=4\nidna==3.10\n", encoding="utf-8")
    found = doctor.lock_is_exact(tmp_path)
    assert (found.ok, found.found, found.advice) == (False, "not exact: tqdm>=4, idna==3.10", "course lock")


def test_an_old_python_and_a_bare_system_are_not_healthy():
    assert not doctor.python_version((3, 10, 2)).ok
    assert "make setup PYTHON=python3.13" in doctor.python_version((3, 14, 0)).advice
    assert not doctor.environment(Path(sys.base_prefix), Path(sys.base_prefix)).ok


def test_a_conda_environment_is_one(tmp_path):
    (tmp_path / "conda-meta").mkdir()
    finding = doctor.environment(tmp_path, tmp_path)
    assert finding.ok
    assert finding.found.startswith("conda environment")


def test_optional_parts_say_what_to_type_and_cost_nothing(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    on_linux, on_mac = doctor.system_parts("Linux"), doctor.system_parts("Darwin")
    assert [part.advice for part in on_linux] == ["sudo apt install bubblewrap", "sudo apt install chromium"]
    assert on_mac[0].found == "exists for Linux only"
    assert doctor.healthy(on_linux + on_mac + [doctor.git()])


def test_a_sandbox_that_is_there_and_does_not_hold_is_no_sandbox(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    finding = doctor.sandbox(True, "user namespaces are switched off; type: …")
    assert not finding.ok
    assert "type: …" in finding.advice
    assert doctor.sandbox(True, None).ok


def test_jupyterlab_as_shipped_is_noticed(tmp_path):
    assert not doctor.lab_settings(tmp_path).ok
    overrides = tmp_path / "share/jupyter/lab/settings/overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(doctor.LAB_SETTINGS), encoding="utf-8")
    assert doctor.lab_settings(tmp_path).ok


def test_the_command_prints_a_table_or_one_json_object_and_exits_by_what_is_needed(monkeypatch):
    broken = [doctor.Finding("pandas", False, "missing, locked is 3.0.6", advice="make setup")]
    for findings, code in (([doctor.Finding("Python", True, "3.11.7")], 0), (broken, 1)):
        monkeypatch.setattr(doctor, "examine", lambda *_, found=findings, **__: found)
        told = CliRunner().invoke(tree(), ["doctor", "--json"])
        assert told.exit_code == code
        assert json.loads(told.stdout)["healthy"] is (code == 0)
        shown = CliRunner().invoke(tree(), ["doctor"])
        assert shown.exit_code == code
        assert findings[0].part in shown.stdout


def test_every_row_of_the_real_table_is_complete():
    for finding in doctor.examine(ROOT):
        assert finding.part
        assert finding.found
        assert finding.ok or finding.advice, f"{finding.part} is wrong and says nothing about how to mend it"
