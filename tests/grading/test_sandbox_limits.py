"""What a submission may use, and how it ends. Limits are tried on small numbers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from queue import Empty

import psutil
import pytest

from course_lib.grading.sandbox.policy import SandboxPolicy
from tests.grading.conftest import processes_in, wait_until
from tests.grading.kernel import kernel, sandboxed

pytestmark = pytest.mark.usefixtures("sandbox")
MIB = 2**20


def test_huge_allocations_are_memory_errors_and_the_kernel_lives():
    with sandboxed() as k:
        for code in (
            "import numpy as np; np.ones(100 * 2**30 // 8)",
            "bytearray(100 * 2**30)",
            "b = bytearray(360 * 2**20)",
            "x = []\nwhile True: x.append(bytearray(2**20))",
        ):
            assert k.run(code).error == "MemoryError", code
            k.run("x = b = None")
        assert k.value("len(bytearray(20 * 2**20))") == 20 * MIB
        assert k.value("1 + 1") == 2


def test_memory_shared_or_spread_over_processes_is_counted_together():
    hog = "import os, time, mmap\n"
    many = "for _ in range(6):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (120 * 2**20); time.sleep(30)\n"
    shared = "m = mmap.mmap(-1, 500 * 2**20)\nfor i in range(0, len(m), 4096): m[i] = 1\n"
    for code in (many, shared):
        with sandboxed() as k:
            k.send(hog + code + "time.sleep(30)")
            assert k.wait_for_end() == -signal.SIGKILL
            assert k.provisioner.ending["reason"] == "memory_bytes"


def test_processes_are_counted():
    with sandboxed(processes=30) as k:
        code = (
            "import os, time\nn = 0\ntry:\n    while n < 200:\n        if os.fork() == 0: time.sleep(20); os._exit(0)\n"
            "        n += 1\nexcept BlockingIOError: pass\nn"
        )
        assert 1 <= k.value(code) < 30


def test_fork_bomb_is_contained_and_gone_afterwards():
    with sandboxed(processes=40, wall_seconds=3) as k:
        k.send("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")
        time.sleep(1)
        uid_processes = children_of(k)
        assert 2 < len(uid_processes) <= 42
        assert k.wait_for_end(15) == -signal.SIGKILL
        assert k.provisioner.ending["reason"] == "wall_seconds"
        assert not any(psutil.pid_exists(p.pid) and p.is_running() for p in uid_processes)


def children_of(k) -> list[psutil.Process]:
    keeper = psutil.Process(k.process.pid).parent()
    return keeper.children(recursive=True)


def test_disk_and_files():
    with sandboxed() as k:
        fill = "f = open({0!r}, 'wb')\ntry:\n    while True: f.write(bytes(2**20)); f.flush()\nfinally: f.close()"
        assert k.run(fill.format("/tmp/a")).message == "[Errno 27] File too large"  # one file
        assert k.run(fill.format("b")).message in ("[Errno 27] File too large", "[Errno 28] No space left on device")
        assert k.run(fill.format("/dev/shm/c")).message == "[Errno 28] No space left on device"  # all together
        assert k.value("1 + 1") == 2
    with sandboxed() as k:
        ran = k.run("import os\nfor n in range(10000): os.mkdir(f'/tmp/{n}')")
        assert ran.message.startswith("[Errno 28] No space left on device")
        assert k.value("n < 220") is True


def test_output_without_end():
    with sandboxed() as k:
        k.send("while True: print('x' * 1000)")
        started = time.monotonic()
        while asyncio.run(k.provisioner.poll()) is None and time.monotonic() - started < 20:
            with contextlib.suppress(Empty):
                k.client.get_iopub_msg(timeout=0.2)
        assert k.wait_for_end(5) == -signal.SIGKILL
        assert k.provisioner.ending["reason"] == "output_bytes"


def test_one_message_too_large_to_receive():
    with sandboxed() as k:
        k.send("print('x' * 30_000_000)")
        assert wait_until(lambda: asyncio.run(k.provisioner.poll()) is not None, 15)
        assert k.provisioner.ending["reason"] == "output_bytes"


def test_output_past_jupyter():
    with sandboxed() as k:
        k.run("import os, sys; os.write(sys.stderr._original_stdstream_copy, b'last words')")
        k.send("while True: os.write(sys.stdout._original_stdstream_copy, b'x' * 60000)")
        assert k.wait_for_end() == -signal.SIGKILL
        assert k.provisioner.ending["reason"] == "output_bytes"
    with sandboxed() as k:
        k.run("import os, sys; os.write(sys.stderr._original_stdstream_copy, b'last words')")
        k.process.kill()
        assert k.wait_for_end() == -signal.SIGKILL
        assert k.provisioner.ending["said"] == "last words"
        assert k.provisioner.ending["reason"] is None


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        # masks every signal it can, stops whatever it can, and holds the interpreter
        "import signal, os\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\nos.kill(2, signal.SIGSTOP) if os.getuid() == 1000 else 0\n"
        "sum(range(10**12))",
    ],
)
def test_wall_clock(code):
    with sandboxed(wall_seconds=1.5) as k:
        started = time.monotonic()
        k.send(code)
        assert k.wait_for_end(10) == -signal.SIGKILL
        assert time.monotonic() - started < 4
        assert k.provisioner.ending["reason"] == "wall_seconds"
        assert 1.5 <= k.provisioner.ending["wall_seconds"] < 4


def test_processor_time():
    with sandboxed(cpu_seconds=2, wall_seconds=30) as k:
        k.send("while True: pass")
        assert k.wait_for_end(15) in (-signal.SIGKILL, -signal.SIGXCPU)
        assert k.provisioner.ending["cpu_seconds"] < 6


def test_given_processors():
    one = sorted(os.sched_getaffinity(0))[-1]
    with sandboxed(cpus=(one,)) as k:
        assert k.value("__import__('os').sched_getaffinity(0)") == {one}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os; os._exit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", -9),  # its parent is 0: its own group
        ("import os; os.killpg(0, 9)", -9),
        ("import ctypes; ctypes.string_at(0)", -11),
    ],
)
def test_violent_ends(code, expected):
    with sandboxed() as k, sandboxed() as neighbour:
        k.send(code)
        assert k.wait_for_end() == expected
        assert k.provisioner.ending["exit"] == expected
        assert k.provisioner.ending["reason"] is None
        assert neighbour.value("6 * 7") == 42


def test_closing_everything():
    with sandboxed(wall_seconds=10) as k, sandboxed() as neighbour:
        k.send("import os; os.closerange(0, 500)")
        assert k.wait_for_end() is not None  # its libraries abort, or it hangs and time ends it
        assert neighbour.value("6 * 7") == 42


def test_rude_acts_that_the_kernel_survives():
    with sandboxed() as k:
        k.run("import os, sys, shutil; os.close(1); os.close(2); sys.__stdout__.close()")
        k.run("shutil.rmtree('/sandbox/work', ignore_errors=True); shutil.rmtree('/sandbox/home', ignore_errors=True)")
        k.run("sys.stdout.close()")
        assert k.value("6 * 7") == 42


def test_processes_left_behind_are_gone():
    with sandboxed() as k:
        k.run(
            "import subprocess, sys\n"
            "subprocess.Popen([sys.executable, '-c', 'import os, time\\nif os.fork(): os._exit(0)\\n"
            "time.sleep(60)  # daemon-7c1e'], start_new_session=True)\nimport time; time.sleep(0.5)"
        )
        daemons = [p for p in psutil.process_iter() if any("daemon-7c1e" in part for part in _command(p))]
        assert daemons, "it runs, and is seen from outside"
        k.manager.shutdown_kernel()
        assert not any(p.is_running() for p in daemons)


def _command(process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_end_of_the_keeper_is_the_end_of_all():
    with sandboxed() as k:
        k.run("import subprocess; subprocess.Popen(['sleep', '61.5'])")
        keeper = psutil.Process(k.process.pid).parent()
        inside = keeper.children(recursive=True)
        assert len(inside) >= 3
        keeper.kill()
        assert wait_until(lambda: not any(p.is_running() and p.status() != "zombie" for p in inside), 5)
        assert k.wait_for_end() == -signal.SIGKILL


def test_end_of_the_client_is_the_end_of_all():
    code = (
        "import os; from jupyter_client.manager import start_new_kernel\n"
        "km, kc = start_new_kernel(); print(km.provisioner.process.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    env = {**os.environ, "JUPYTER_DEFAULT_PROVISIONER_NAME": "sandboxed",
           "COURSE_SANDBOX_POLICY": SandboxPolicy(memory_bytes=128 * MIB).to_json()}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True, timeout=60)
    assert wait_until(lambda: not psutil.pid_exists(int(done.stdout)), 5)


def test_restart_begins_in_an_empty_room():
    with sandboxed() as k:
        k.run("open('left', 'w').close(); x = 1")
        k.manager.restart_kernel(now=True)
        k.client.wait_for_ready(timeout=30)
        assert k.value("__import__('os').listdir()") == []
        assert k.run("x").error == "NameError"


def test_nothing_is_left(sandbox):
    with kernel("warm"), sandboxed() as k:
        k.run("open('/tmp/x', 'w').close()")
        assert any(p.name.startswith("s-") for p in (sandbox / "course-kernels").iterdir())
    assert [p.name for p in (sandbox / "course-kernels").iterdir() if p.name.startswith(("s-", "kernel-"))] == []
    # templates, and no keeper, kernel or bubblewrap
    assert wait_until(
        lambda: all(p.ppid() not in {q.pid for q in processes_in(sandbox)} for p in processes_in(sandbox))
    )
    assert not [p for p in psutil.process_iter() if str(sandbox) in " ".join(_command(p)[:200])]
