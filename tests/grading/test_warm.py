"""Forked kernels: their life, their end, and what is shared."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.grading.conftest import private_runtime, processes_in, provisioner, wait_until
from tests.grading.kernel import kernel

PID = "__import__('os').getpid()"


@pytest.fixture(autouse=True)
def _runtime(runtime):
    return runtime


def test_kernels_share_one_template(runtime):
    with kernel() as one, kernel() as two:
        assert one.process.pid != two.process.pid
        assert one.value(PID) == one.process.pid == one.provisioner.pid
        templates = [p for p in processes_in(runtime) if psutil.Process(p.pid).ppid() not in
                     {q.pid for q in processes_in(runtime)}]  # fmt: skip
        ancestors = [{p.pid for p in psutil.Process(k.process.pid).parents()} for k in (one, two)]
        # other tests' templates, of other libraries, may still be waiting for work
        shared = {template.pid for template in templates} & ancestors[0] & ancestors[1]
        assert len(shared) == 1


@pytest.mark.parametrize("mode", ["signal", "message"])
def test_interrupt(mode):
    with kernel() as k:
        k.manager.kernel_spec.interrupt_mode = mode
        timer = threading.Timer(0.5, k.manager.interrupt_kernel)
        timer.start()
        started = time.monotonic()
        ran = k.run("import time\ntime.sleep(30)")
        assert ran.error == "KeyboardInterrupt"
        assert time.monotonic() - started < 10
        assert k.value("40 + 2") == 42


def test_restart():
    with kernel() as k:
        first = k.process.pid
        k.run("x = 1")
        k.manager.restart_kernel(now=True)
        k.client.wait_for_ready(timeout=30)
        assert k.manager.provisioner.process.pid != first
        assert k.run("x").error == "NameError"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("import os; os._exit(7)", 7), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9)],
)
def test_exit_code(code, expected):
    with kernel() as k:
        k.send(code)
        assert k.wait_for_end() == expected
        assert asyncio.run(k.provisioner.poll()) == expected
        assert k.process.wait() == expected
        assert k.process.reason is None


def test_polite_shutdown_runs_exit_handlers(tmp_path):
    with kernel(cwd=str(tmp_path)) as k:
        k.run("import atexit; atexit.register(lambda: open('gone', 'w').close())")
        process = k.process
        k.manager.shutdown_kernel()
        assert process.wait(5) == 0
    assert (tmp_path / "gone").exists()


def test_terminate_and_kill():
    for signum, act in ((signal.SIGTERM, "terminate"), (signal.SIGKILL, "kill")):
        with kernel() as k:
            getattr(k.process, act)()
            assert k.wait_for_end() == -signum
            getattr(k.process, act)()  # again: nothing happens


def test_wait_gives_up_in_time():
    with kernel() as k, pytest.raises(subprocess.TimeoutExpired):
        k.process.wait(0.1)


def test_standard_streams(tmp_path):
    """They are where the client wants them. ipykernel keeps the true ones aside, under this name."""
    out = tmp_path / "out"
    write = "import os, sys; os.write(sys.{0}._original_stdstream_copy, b'to {0}')"
    with out.open("w") as file, kernel(stdout=file, stderr=subprocess.PIPE) as k:
        assert k.run(write.format("stdout")).error is None
        assert k.run(write.format("stderr")).error is None
        assert k.process.stderr.read1() == b"to stderr"
    assert out.read_text(encoding="utf-8") == "to stdout"


def test_crash_in_native_code():
    with kernel(stderr=subprocess.DEVNULL) as k:
        k.send("import faulthandler; faulthandler._sigsegv()")
        assert k.wait_for_end() == -signal.SIGSEGV


def test_end_of_the_client_ends_the_kernel():
    # It forks a process that holds the connection open.
    code = (
        "import os; from jupyter_client.manager import start_new_kernel\n"
        "km, kc = start_new_kernel(); print(km.provisioner.process.pid, flush=True)\n"
        "if os.fork() == 0:\n    import time; os.close(1); os.close(2); time.sleep(8); os._exit(0)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    env = {**os.environ, "JUPYTER_DEFAULT_PROVISIONER_NAME": "warm"}
    done = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True, timeout=60)
    pid = int(done.stdout)
    assert done.returncode == -9
    assert wait_until(lambda: not psutil.pid_exists(pid), 5)


def test_an_independent_kernel_outlives_its_client():
    code = (
        "import os; from jupyter_client.manager import start_new_kernel\n"
        "km, kc = start_new_kernel(independent=True, stdout=-3, stderr=-3)\n"
        "print(km.provisioner.process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    env = {**os.environ, "JUPYTER_DEFAULT_PROVISIONER_NAME": "warm"}
    done = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True, timeout=60)
    pid = int(done.stdout)
    time.sleep(0.5)
    assert psutil.pid_exists(pid)
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not psutil.pid_exists(pid))


def test_threads_of_libraries_work_in_several_kernels_at_once():
    """BLAS and OpenMP pools must neither hang nor give other numbers after a fork."""
    code = (
        "import numpy as np\nfrom sklearn.ensemble import HistGradientBoostingRegressor as H\n"
        "X = np.random.default_rng(0).normal(size=(3000, 20))\n"
        "product = float((X.T @ X).trace().round(6))\n"
        "guess = float(H(max_iter=20).fit(X, X[:, 0]).predict(X).sum().round(6))"
    )

    with ThreadPoolExecutor(3) as pool, kernel() as a, kernel() as b, kernel() as c:

        def results(k) -> tuple:
            ran = k.run(code, 60)
            assert ran.error is None, ran.message
            return k.value("product, guess")

        found = list(pool.map(results, (a, b, c)))
    with kernel("local-provisioner") as cold:
        cold.run(code)
        found.append(cold.value("product, guess"))
    assert len(set(found)) == 1


def test_template_ends_when_unused():
    with private_runtime(COURSE_WARM_IDLE_SECONDS="0.5", COURSE_WARM_MODULES="") as folder:
        with kernel() as k:
            time.sleep(2)
            assert k.value("1") == 1, "not while a kernel runs"
        assert wait_until(lambda: not processes_in(folder), 8)
        assert [p.name for p in (folder / "course-kernels").iterdir() if p.suffix != ".lock"] == []


def test_template_ends_soon_after_its_owner():
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with private_runtime(COURSE_WARM_OWNER=str(owner.pid), COURSE_WARM_MODULES="") as folder:
        import course_lib.grading.kernels.client as client

        before, client._LINGER = client._LINGER, 0.5
        try:
            with kernel():
                pass
        finally:
            client._LINGER = before
        time.sleep(2)
        assert processes_in(folder), "its owner is there"
        owner.communicate(b"\n")
        assert wait_until(lambda: not processes_in(folder), 5)


def test_killed_template_is_replaced():
    with private_runtime(COURSE_WARM_MODULES="") as folder:
        with kernel():
            pass
        wait_until(lambda: len(processes_in(folder)) == 1)
        processes_in(folder)[0].kill()
        with kernel() as k:
            assert k.value("2") == 2
            assert type(k.process).__name__ == "WarmProcess"


def test_kernel_survives_its_template():
    with private_runtime(COURSE_WARM_MODULES="") as folder, kernel() as k:
        owner = [p for p in processes_in(folder) if p.pid == psutil.Process(k.process.pid).parents()[1].pid]
        owner[0].kill()
        time.sleep(0.2)
        assert k.value("3") == 3


def test_background_start_uses_an_ordinary_kernel_first():
    with private_runtime(COURSE_WARM_START="background", COURSE_WARM_MODULES="numpy,pandas") as folder:
        with kernel() as k:
            assert type(k.process).__name__ == "Popen"
            assert wait_until(lambda: list((folder / "course-kernels").glob("*.ready")), 60)
        with kernel() as k:
            assert type(k.process).__name__ == "WarmProcess"


def test_waiting_for_a_kernel_that_dies():
    with kernel() as k:
        k.process.kill()
        k.wait_for_end()
        with pytest.raises(RuntimeError, match="died"):
            k.client.wait_for_ready(timeout=20)


def test_waiting_ends_at_the_time_given():
    with kernel() as k:
        os.kill(k.process.pid, signal.SIGSTOP)
        with pytest.raises(RuntimeError, match="in 1 seconds"):
            k.client.wait_for_ready(timeout=1)
        os.kill(k.process.pid, signal.SIGCONT)


def test_nbval(tmp_path):
    import nbformat

    def compare(shown: str) -> str:
        outputs = [nbformat.v4.new_output("stream", name="stdout", text=shown)]
        cells = [nbformat.v4.new_code_cell("print('hello')", outputs=outputs, execution_count=1)]
        spec = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), tmp_path / "a.ipynb")
        env = {**os.environ, "JUPYTER_DEFAULT_PROVISIONER_NAME": "warm"}
        command = [sys.executable, "-m", "pytest", "-q", "--nbval", "-p", "no:cacheprovider", "a.ipynb"]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120).stdout

    shown = compare("hello\n")
    assert "1 passed" in shown, shown
    assert "1 failed" in compare("something else\n")


def test_papermill(tmp_path):
    import nbformat
    import papermill

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]}),
               nbformat.v4.new_code_cell("import os; print(os.getpid(), n)")],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )  # fmt: skip
    nbformat.write(notebook, tmp_path / "in.ipynb")
    with provisioner("warm"):
        done = papermill.execute_notebook(
            tmp_path / "in.ipynb", tmp_path / "out.ipynb", parameters={"n": 5}, progress_bar=False, cwd=tmp_path
        )
    assert done.cells[-1].outputs[0].text.endswith(" 5\n")
