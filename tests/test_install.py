"""Set-up: what it refuses, what it leaves alone, what it does again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import install

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def steps(monkeypatch):
    """Set-up with its slow steps replaced by a record of what they were asked for."""
    asked = []

    def fake_venv(folder, *, with_pip):
        python = install.venv_python(folder)
        python.parent.mkdir(parents=True)
        python.touch()
        kernel = folder / "share/jupyter/kernels/python3/kernel.json"
        kernel.parent.mkdir(parents=True)
        kernel.write_text('{"argv": ["python"], "env": {"KEPT": "1"}}', encoding="utf-8")
        asked.append(f"venv pip={with_pip}")

    monkeypatch.setattr(install, "make_venv", fake_venv)
    monkeypatch.setattr(install, "run", lambda command, _: asked.append(" ".join(map(str, command))))
    monkeypatch.setattr(install.shutil, "which", lambda name: "/usr/bin/uv" if name == "uv" else None)
    return asked


def test_everything_is_installed_with_hashes_and_the_package_without_fetching_anything(steps, tmp_path):
    assert install.set_up(ROOT, tmp_path / "v") == 0
    assert steps[0] == "venv pip=False"
    assert "--require-hashes" in steps[1]
    assert "requirements.lock" in steps[1]
    assert "--no-build-isolation" in steps[2]
    assert "--no-deps" in steps[2]


def test_a_second_set_up_does_nothing(steps, tmp_path):
    install.set_up(ROOT, tmp_path / "v")
    del steps[:]
    assert install.set_up(ROOT, tmp_path / "v") == 0
    assert steps == []


def test_set_up_that_was_interrupted_is_done_again(steps, tmp_path, monkeypatch):
    install.set_up(ROOT, tmp_path / "v")
    (tmp_path / "v" / install.STAMP).write_text("{}", encoding="utf-8")  # as after a change of the lock

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(install, "run", stop)
        with pytest.raises(KeyboardInterrupt):
            install.set_up(ROOT, tmp_path / "v")
    assert install.read_stamp(tmp_path / "v") is None
    del steps[:]
    install.set_up(ROOT, tmp_path / "v")
    assert len(steps) == 2, "an environment without a stamp must be installed into again"


def test_a_changed_lock_is_noticed(tmp_path):
    (tmp_path / "course_lib").mkdir()
    for name in ("requirements.lock", "pyproject.toml", "course_lib/install.py"):
        (tmp_path / name).write_text("one", encoding="utf-8")
    before = install.fingerprint(tmp_path)
    (tmp_path / "requirements.lock").write_text("two", encoding="utf-8")
    assert install.fingerprint(tmp_path) != before


def test_a_checkout_with_a_part_missing_is_named(tmp_path):
    with pytest.raises(install.SetupError, match=r"requirements\.lock is missing"):
        install.fingerprint(tmp_path)


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_a_python_the_lock_was_not_made_for_is_refused(version, monkeypatch):
    monkeypatch.setattr(install.shutil, "which", lambda name: f"/bin/{name}" if name == "python3.12" else None)
    with pytest.raises(install.SetupError, match=r"Type: make setup PYTHON=python3\.12"):
        install.check_python(version)
    monkeypatch.setattr(install.shutil, "which", lambda _: None)
    with pytest.raises(install.SetupError, match="Install one"):
        install.check_python(version)


@pytest.mark.usefixtures("steps")
def test_a_failed_step_ends_in_one_sentence_and_no_stamp(tmp_path, monkeypatch, capsys):
    def broken(command, _):
        raise subprocess.CalledProcessError(7, command)

    monkeypatch.setattr(install, "run", broken)
    assert install.main(["--venv", str(tmp_path / "v")]) == 1
    message = capsys.readouterr().err
    assert "exit code 7" in message
    assert "run set-up again" in message
    assert "Traceback" not in message
    assert install.read_stamp(tmp_path / "v") is None


@pytest.mark.usefixtures("steps")
def test_jupyter_settings_silence_the_news_and_reach_every_kernel(tmp_path):
    install.set_up(ROOT, tmp_path / "v")
    share = tmp_path / "v/share/jupyter"
    overrides = json.loads((share / "lab/settings/overrides.json").read_text(encoding="utf-8"))
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    environment = json.loads((share / "kernels/python3/kernel.json").read_text(encoding="utf-8"))["env"]
    assert environment == {"KEPT": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def test_it_runs_on_a_bare_python():
    """Nothing is installed when set-up starts: the standard library must do."""
    code = "import sys; import course_lib.install; print(sorted({m.split('.')[0] for m in sys.modules}))"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, env=environment, check=True
    )
    names = set(eval(done.stdout))
    assert names <= set(sys.stdlib_module_names) | {"course_lib", "__main__", "__mp_main__"}, names
