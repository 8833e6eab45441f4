"""How a grader uses the sandbox: the policy, the errors, and notebooks that run in it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.grading.sandbox.policy import POLICY_VARIABLE, SandboxFailed, SandboxPolicy, SandboxUnavailable
from course_lib.grading.sandbox.probe import Probe, probe, require
from tests.grading.conftest import provisioner
from tests.grading.kernel import kernel, sandboxed


def test_policy_survives_json(tmp_path):
    policy = SandboxPolicy(memory_bytes=2**28, workdir=tmp_path, readable=(tmp_path,), env={"A": "b"}, cpus=(1,))
    assert SandboxPolicy.from_json(policy.to_json()) == policy
    assert SandboxPolicy.from_environment({POLICY_VARIABLE: '{"processes": 5}'}) == SandboxPolicy(processes=5)
    assert SandboxPolicy.from_environment({}) == SandboxPolicy()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"memory_bytes": 1000}, "can't run in 1000 bytes"),
        ({"processes": 0}, "processes of at least 1"),
        ({"wall_seconds": 0}, "wall_seconds above 0"),
        ({"readable": ["/nowhere/at/all"]}, "/nowhere/at/all should be visible"),
        ({"workdir": __file__}, "is not a folder"),
    ],
)
def test_policies_that_make_no_sense(values, said):
    with pytest.raises(UsageError, match=said):
        SandboxPolicy(**values)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"memory": 1}', '{"processes": "many"}', '{"env": 3}', "null"])
def test_json_that_makes_no_sense(text):
    with pytest.raises(UsageError):
        SandboxPolicy.from_json(text)


def test_environment_holds_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    env = SandboxPolicy(threads=3, env={"MINE": "1"}).environment()
    assert (env["OMP_NUM_THREADS"], env["MINE"]) == ("3", "1")
    assert "SECRET" not in env


def test_without_bubblewrap(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    found = probe()
    assert not found.available
    if sys.platform == "linux":
        assert "sudo apt-get install bubblewrap" in found.problem
    with pytest.raises(SandboxUnavailable), kernel("sandboxed"):
        pytest.fail("a kernel started without a sandbox")
    with pytest.raises(SandboxUnavailable):
        require()


def test_on_other_systems(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert "Grade on Linux" in probe().problem


def fake_bubblewrap(folder: Path, says: str, monkeypatch) -> None:
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
def test_where_user_namespaces_are_forbidden(tmp_path, monkeypatch, runtime):
    assert runtime
    fake_bubblewrap(tmp_path, "bwrap: setting up uid map: Permission denied", monkeypatch)
    found = probe()
    assert "setting up uid map: Permission denied" in found.problem
    assert "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0" in found.problem


@pytest.mark.parametrize("threads", [1, 2])  # with one, the trial is made in a copy of this process
def test_walls_that_do_not_hold_are_a_problem(monkeypatch, threads):
    said = '{"checks": {"no network": false, "no rights": true}}'
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, said, ""))
    monkeypatch.setattr("course_lib.grading.sandbox.probe._rehearse", lambda: json.loads(said))
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    monkeypatch.setattr("course_lib.grading.sandbox.probe.find", lambda: "bwrap")
    found = probe()
    assert isinstance(found, Probe)
    assert not found.available
    assert "(no network)" in found.problem


def test_errors_are_for_people():
    assert issubclass(SandboxUnavailable, CourseError)
    assert issubclass(SandboxFailed, CourseError)


@pytest.mark.usefixtures("sandbox")
class TestNotebooks:
    """With the clients that graders use."""

    def execute(self, sources, tmp_path, **options):
        from nbclient import NotebookClient

        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells)
        resources = {"metadata": {"path": str(tmp_path)}}
        with provisioner("sandboxed"):
            client = NotebookClient(notebook, kernel_name="python3", resources=resources, **options)
            client.execute(sandbox=SandboxPolicy(memory_bytes=2**28, wall_seconds=30, output_bytes=2**20))
        return notebook, client

    def test_notebook_runs(self, tmp_path):
        (tmp_path / "hidden_tests.txt").write_text("secret", encoding="utf-8")
        sources = ["import numpy as np", "print(np.arange(3))", "import os; os.listdir()"]
        notebook, _ = self.execute(sources, tmp_path)
        assert notebook.cells[1].outputs[0].text == "[0 1 2]\n"
        assert notebook.cells[2].outputs[0].data["text/plain"] == "[]", "the client's own folder is not shown"

    def test_time_limit_of_a_cell_is_the_clients(self, tmp_path):
        sources = ["import time; time.sleep(20)", "1 + 1"]
        notebook, _ = self.execute(sources, tmp_path, timeout=1, interrupt_on_timeout=True, allow_errors=True)
        assert notebook.cells[0].outputs[0].ename == "KeyboardInterrupt"
        assert notebook.cells[1].outputs[0].data["text/plain"] == "2"

    def test_kernel_that_dies_is_noticed(self, tmp_path):
        from nbclient.exceptions import DeadKernelError

        with pytest.raises(DeadKernelError):
            self.execute(["import os; os._exit(1)"], tmp_path)

    def test_flood_is_stopped(self, tmp_path):
        from nbclient.exceptions import DeadKernelError

        with pytest.raises(DeadKernelError):
            self.execute(["while True: print('x' * 100)"], tmp_path)

    @pytest.mark.parametrize(
        "code",
        [
            "get_ipython().kernel.session.key = b'another'",  # its messages are signed wrongly from now on
            "session = get_ipython().kernel.session\nplain = session.pack\n"
            "session.pack = lambda m: b'[' * 100000 if m.get('name') == 'stdout' else plain(m)\nprint('x')",
        ],
    )
    def test_messages_that_are_none(self, tmp_path, code):
        from nbclient.exceptions import DeadKernelError

        with pytest.raises(DeadKernelError):
            self.execute([code, "1 + 1"], tmp_path)

    def test_library_hidden_by_the_working_folder(self, tmp_path):
        (tmp_path / "pandas.py").write_text("", encoding="utf-8")
        said = r"pandas\.py in the working folder hides a library"
        with pytest.raises(SandboxFailed, match=said), sandboxed(workdir=tmp_path):
            pass

    def test_working_folder_too_large(self, tmp_path):
        (tmp_path / "data").write_bytes(bytes(2**20))
        said = "larger than the sandbox's disk"
        with pytest.raises(SandboxFailed, match=said), sandboxed(workdir=tmp_path, disk_bytes=2**19):
            pass

    def test_policy_from_the_environment(self, monkeypatch):
        monkeypatch.setenv(POLICY_VARIABLE, SandboxPolicy(processes=33, memory_bytes=2**28).to_json())
        with kernel("sandboxed") as k:
            assert k.value("__import__('resource').getrlimit(6)") == (33, 33)
            assert k.value(f"{POLICY_VARIABLE!r} in __import__('os').environ") is False

    def test_other_kernels_are_refused(self):
        from course_lib.grading.sandbox.client import start_sandboxed

        with pytest.raises(SandboxUnavailable, match="Only kernels of this Python"):
            start_sandboxed(["R", "--slave"], SandboxPolicy(), Path("/tmp"), None)

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="already run by an ordinary user")
    @pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux's setpriv")
    def test_as_an_ordinary_user(self):
        """Root's sandbox is made another way than everybody else's: the heart of these tests, the other way too."""
        here = Path(__file__).parent
        tests = ["test_sandbox_walls.py", "test_sandbox_limits.py"]
        chosen = (
            "no_network or no_other_process or no_signal or no_file or writing_outside or system_calls or two_sandboxes"
            " or shared_or_spread or are_counted or disk or left_behind"
        )
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen,
            *(str(here / t) for t in tests),
        ]  # fmt: skip
        runner = ["sh", str(here / "as_user.sh"), "4711", str(Path(sys.base_prefix).resolve())]
        done = subprocess.run([*runner, *command], capture_output=True, text=True, cwd=here.parent.parent, timeout=300)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        assert " passed" in done.stdout
        assert "skipped" not in done.stdout
