"""Where a kernel can't be forked, it is started the ordinary way, and said once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from course_lib.grading.kernels import client, identity, provisioner
from tests.grading.conftest import private_runtime
from tests.grading.kernel import kernel


@pytest.fixture(autouse=True)
def _unwarned(monkeypatch):
    monkeypatch.setattr(provisioner, "_warned", False)


def test_without_fork(monkeypatch):
    monkeypatch.setattr(client, "fork_is_safe", lambda: False)
    monkeypatch.setattr(provisioner, "fork_is_safe", lambda: False)

    def start_two() -> None:
        for _ in range(2):
            with kernel() as k:
                assert k.value("1 + 1") == 2
                assert type(k.process).__name__ == "Popen"

    with pytest.warns(RuntimeWarning, match="ordinary way: kernels can't be forked") as warned:
        start_two()
    assert len([w for w in warned if "ordinary way" in str(w.message)]) == 1


def test_macos_forks_only_when_asked(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("COURSE_WARM_FORK", raising=False)
    assert not client.fork_is_safe()
    monkeypatch.setenv("COURSE_WARM_FORK", "1")
    assert client.fork_is_safe() == (os.name == "posix")


def test_nothing_needs_posix_when_imported():
    """What Jupyter and ``course doctor`` import on Windows."""
    code = (
        "import sys\nfor name in ('fcntl', 'resource', 'pwd', 'grp', 'termios'): sys.modules[name] = None\n"
        "import course_lib.grading.kernels.provisioner, course_lib.grading.sandbox.probe\n"
        "import course_lib.grading.sandbox.policy\n"
        "sys.platform = 'win32'\nprint(course_lib.grading.sandbox.probe.probe().problem)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "Linux only" in done.stdout, done.stderr


posix = pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="kernels are forked on Linux only")


@posix
def test_template_that_fails(monkeypatch):
    with private_runtime(COURSE_WARM_MODULES=""):
        monkeypatch.setattr(client, "_start", lambda _: (_ for _ in ()).throw(client.TemplateFailed("no luck")))
        with pytest.warns(RuntimeWarning, match="no luck"), kernel() as k:
            assert k.value("1 + 1") == 2


@posix
def test_template_that_ends_while_importing(monkeypatch, tmp_path):
    """Its last words are in the warning."""
    monkeypatch.setattr(client, "_PATIENCE", 30)
    (tmp_path / "gone_wrong.py").write_text("raise SystemExit('it broke')", encoding="utf-8")
    with (
        private_runtime(COURSE_WARM_MODULES="gone_wrong", PYTHONPATH=str(tmp_path)),
        pytest.warns(RuntimeWarning, match="it broke"),
        kernel() as k,
    ):
        assert k.value("1 + 1") == 2


@posix
def test_folder_of_somebody_else():
    with private_runtime(COURSE_WARM_MODULES="") as folder:
        (folder / "course-kernels").mkdir(mode=0o755)
        with pytest.warns(RuntimeWarning, match="only you can open"), kernel() as k:
            assert k.value("1 + 1") == 2


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["R", "--slave"], "no kernel that can be forked"),
        ([sys.executable, "-m", "xonsh_kernel", "-f", "x"], "no kernel that can be forked"),
        (["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "x"], "another Python"),
        ([sys.executable, "-W", "error", "-m", "ipykernel_launcher", "-f", "x"], "unusual"),
    ],
)
def test_other_kernels(argv, why):
    with pytest.raises(client.NotWarm, match=why):
        client.python_command(argv)


def test_flags_are_kept():
    argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "file", "--quiet"]
    assert client.python_command(argv) == (argv[:2], ["-f", "file", "--quiet"])


@posix
def test_what_makes_another_template(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    base = {"HOME": "/h", "COURSE_WARM_MODULES": "json"}

    def key(env=base, command=("python",), modules=None):
        return identity.template_for(command, env, modules, tmp_path).key

    same = {**base, "MLFLOW_TRACKING_URI": "sqlite:///a.db", "PYTEST_CURRENT_TEST": "x", "SECRET_TOKEN": "t"}
    assert key() == key(same)
    different = [
        key({**base, "OMP_NUM_THREADS": "1"}),
        key({**base, "PYTHONHASHSEED": "0"}),
        key({**base, "LC_ALL": "C"}),
        key({**base, "HOME": "/other"}),
        key(command=("python", "-Xdev")),
        key(modules=["json", "csv"]),
    ]
    module = tmp_path / "warm_test_module.py"
    module.write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    different.append(key(modules=["warm_test_module"]))
    os.utime(module, (1, 1))
    different.append(key(modules=["warm_test_module"]))
    assert len({key(), *different}) == len(different) + 1


@posix
@pytest.mark.parametrize(
    ("named", "modules"),
    [
        (None, identity.DEFAULT_MODULES),
        ("+", identity.DEFAULT_MODULES),
        ("+papermill, yaml", (*identity.DEFAULT_MODULES, "papermill", "yaml")),
        ("json,csv", ("json", "csv")),
        ("", ()),
    ],
)
def test_what_the_environment_says_of_modules(tmp_path, named, modules):
    tmp_path.chmod(0o700)
    env = {} if named is None else {"COURSE_WARM_MODULES": named}
    assert identity.template_for(["python"], env, directory=tmp_path).modules == modules


@posix
def test_no_secret_reaches_a_template(tmp_path):
    tmp_path.chmod(0o700)
    env = {"AWS_SECRET_ACCESS_KEY": "s", "MLFLOW_TRACKING_PASSWORD": "p", "PATH": "/bin", "OMP_NUM_THREADS": "2"}
    started_with = identity.template_for(["python"], env, [], tmp_path).env
    assert set(started_with) == {"PATH", "OMP_NUM_THREADS", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"}
