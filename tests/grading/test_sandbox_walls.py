"""What a submission in a sandbox can't see, reach or change. Each test is an attack with its expected outcome."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from tests.grading.kernel import kernel, sandboxed

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture(scope="module")
def k(sandbox, tmp_path_factory):
    """One kernel for the attacks that leave it as it was. ``private`` holds what must not be seen."""
    assert sandbox
    private = tmp_path_factory.mktemp("gradebook")
    (private / "gradebook.db").write_text("all the marks", encoding="utf-8")
    work, shown = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("shown")
    (work / "data").mkdir()
    (work / "data" / "trips.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (work / "out").symlink_to(private)
    (shown / "table.csv").write_text("x\n", encoding="utf-8")
    shown.chmod(0o755)
    os.environ["INSTRUCTOR_TOKEN"] = "secret-7f3a"
    try:
        with sandboxed(workdir=work, readable=[shown], env={"GIVEN": "yes"}) as found:
            found.private, found.work, found.shown = private, work, shown
            found.run("import os, socket")
            yield found
    finally:
        del os.environ["INSTRUCTOR_TOKEN"]


def refused(k, code: str) -> str:
    """The error that ``code`` meets; it must meet one."""
    ran = k.run(code)
    assert ran.error is not None, f"not refused: {code} gave {ran.value or ran.text}"
    return ran.error


def test_no_network(k):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert refused(k, f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)") == (
            "ConnectionRefusedError"
        )
    assert refused(k, "socket.create_connection(('192.0.2.1', 80), 2)") == "OSError"
    assert refused(k, "socket.getaddrinfo('example.org', 80)") == "gaierror"
    assert k.value("[name for _, name in socket.if_nameindex()]") == ["lo"]


def test_its_own_loopback_works(k):
    code = "s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); c.close()"
    assert k.run("import socket\n" + code).error is None


def test_sockets_around_the_network_namespace(k):
    assert refused(k, "import socket; socket.socket(40, socket.SOCK_STREAM)") == "OSError"  # vsock: to the host
    assert refused(k, "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)") == "OSError"


def test_no_other_process_in_sight(k):
    listed = k.value("sorted(int(p) for p in __import__('os').listdir('/proc') if p.isdigit())")
    assert listed[:3] == [1, 2, 3]
    assert len(listed) == 3
    assert k.value("[open(f'/proc/{p}/comm').read().strip() for p in (1, 2)]") == ["bwrap", "cat"]
    assert k.value("(__import__('os').getpid(), __import__('os').getppid())") == (3, 0)
    assert len(k.run("!ps -e -o pid=").text.split()) <= 5


def test_no_signal_reaches_another_process(k):
    for pid in (os.getpid(), k.process.pid, os.getppid()):
        if pid > 3:
            assert refused(k, f"import os; os.kill({pid}, 0)") == "ProcessLookupError"
    k.run("import os, signal; os.kill(1, signal.SIGKILL)")
    k.run("os.kill(1, signal.SIGSTOP)")
    assert k.value("1 + 1") == 2


def test_no_file_of_the_instructor(k):
    for path in (k.private, k.private / "gradebook.db", Path.home() / ".ssh", Path(__file__), k.work):
        assert refused(k, f"import os; os.stat({str(path)!r})") in ("FileNotFoundError", "PermissionError")
    assert refused(k, "open('out/gradebook.db').read()") == "FileNotFoundError"
    assert refused(k, "open('/etc/shadow').read()") == "FileNotFoundError"
    assert k.value(f"os.path.exists({os.getcwd() + '/pyproject.toml'!r})") is False
    seen = k.value(f"os.listdir({os.getcwd()!r}) if os.path.isdir({os.getcwd()!r}) else []")
    assert seen != os.listdir()


def test_no_secret_in_the_environment(k):
    assert k.value("[v for v in os.environ.values() if 'secret' in v]") == []
    assert k.value("b'secret' in open('/proc/self/environ', 'rb').read()") is False
    assert k.value("os.environ['GIVEN']") == "yes"
    assert k.value("os.environ['HOME'], os.path.expanduser('~'), os.getcwd()") == (
        "/sandbox/home", "/sandbox/home", "/sandbox/work",
    )  # fmt: skip


def test_nothing_of_another_request_in_memory():
    """The template never reads a request: a kernel's memory holds its own only."""
    search = (
        # the pattern is not its own text, so that looking for it does not put it there
        "import re\nfound, want = 0, re.compile(b'of[a]nothersub[m]ission')\n"
        "for line in open('/proc/self/maps'):\n"
        "    if line.split()[1].startswith('rw'):\n"
        "        start, end = (int(n, 16) for n in line.split()[0].split('-'))\n"
        "        with open('/proc/self/mem', 'rb', 0) as memory:\n"
        "            memory.seek(start)\n"
        "            try: found += len(want.findall(memory.read(min(end - start, 2**24))))\n"
        "            except OSError: pass\nfound"
    )
    with sandboxed(env={"MARK": "ofanother" + "submission"}) as other:
        assert other.value(search) > 0, "the search works"
        with sandboxed() as later:
            assert later.value(search) == 0


def test_writing_outside_fails(k):
    for path in ("/usr/x", "/etc/x", "/x", "/dev/x", "/root/x", "/home/x", "/run/kernel/x", "/run/x", "/sys/x",
                 "/var/x", f"{k.shown}/x", os.path.dirname(os.__file__) + "/x.py"):  # fmt: skip
        assert refused(k, f"open({path!r}, 'w')") in ("OSError", "PermissionError", "FileNotFoundError"), path
    assert refused(k, f"open({str(k.shown / 'table.csv')!r}, 'a')") in ("OSError", "PermissionError")
    assert refused(k, "os.remove('/run/kernel/k-1')") == "OSError"
    assert refused(k, "os.symlink('/', '/run/kernel/x')") == "OSError"
    for path in ("x", "/tmp/x", "~/x", "/dev/shm/x"):
        assert k.run(f"open(os.path.expanduser({path!r}), 'w').close()").error is None


def test_working_folder_is_a_copy(k):
    assert k.value("open('data/trips.csv').read()") == "a,b\n1,2\n"
    assert k.run("open('data/trips.csv', 'w').write('changed'); open('new', 'w').close()").error is None
    assert (k.work / "data" / "trips.csv").read_text(encoding="utf-8") == "a,b\n1,2\n"
    assert sorted(p.name for p in k.work.iterdir()) == ["data", "out"]
    assert k.value(f"open({str(k.shown / 'table.csv')!r}).read()") == "x\n"


def test_the_template_is_out_of_reach(k, sandbox):
    sockets = [p for p in (sandbox / "course-kernels").iterdir() if p.suffix == ".sock"]
    assert sockets
    for path in sockets:
        assert refused(k, f"s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r})") == "FileNotFoundError"
    assert k.value("[s for s in open('/proc/net/unix').read().split() if 'course-kernels' in s]") == []


@pytest.mark.parametrize(
    "code",
    [
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True); assert libc.unshare(0x10000000) == 0",
        "assert libc.ptrace(16, 1, 0, 0) == 0",
        "assert libc.mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0",
        "assert libc.umount2(b'/dev/shm', 2) == 0",
        "assert libc.chroot(b'/tmp') == 0",
        "assert libc.syscall(250, 0, -3, 1) > 0",  # keyctl: the session's keys
        "assert libc.syscall(425, 4, 0) > 0",  # io_uring
        "import os; os.memfd_create('hidden')",
        "assert libc.shmget(0, 2**20, 0o1600) > 0",
        "os.setuid(0)",
        "os.sched_setaffinity(0, {0})",
        "os.setpriority(os.PRIO_PROCESS, 0, -5)",
        "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999))",
        "import fcntl, pty; m, s = pty.openpty(); fcntl.ioctl(s, 0x5412, b'x')",
    ],
)
def test_system_calls_refused(k, code):
    assert refused(k, "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n" + code) in (
        "AssertionError", "OSError", "PermissionError", "ValueError",
    )  # fmt: skip


def test_no_program_gives_more_rights(k):
    assert "uid=0" not in k.run("!su -c id 2>&1; sudo -n id 2>&1; unshare -r id 2>&1").text
    assert k.value("[l.split()[1] for l in open('/proc/self/status') if l.startswith('Cap')]") == ["0" * 16] * 5


def test_two_sandboxes_do_not_see_each_other(k):
    k.run(
        "import socket, subprocess\nopen('/tmp/mine', 'w').close(); open('/dev/shm/mine', 'w').close()\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('\\0mine'); s.listen(1)\n"
        "t = socket.create_server(('127.0.0.1', 9911))"
    )
    with sandboxed() as other:
        for folder in ("/tmp", "/dev/shm"):
            assert "mine" in k.value(f"__import__('os').listdir({folder!r})")
            assert "mine" not in other.value(f"__import__('os').listdir({folder!r})")
        assert refused(other, "import socket; socket.socket(socket.AF_UNIX).connect('\\0mine')") == (
            "ConnectionRefusedError"
        )
        assert refused(other, "socket.create_connection(('127.0.0.1', 9911), 2)") == "ConnectionRefusedError"
        assert other.value("len([p for p in __import__('os').listdir('/proc') if p.isdigit()])") == 3
        assert other.value("__import__('os').getuid()") != k.value("__import__('os').getuid()") or os.getuid() != 0


def test_same_for_every_submission(k):
    look = "sorted({'a', 'b', 'c', 'd'} | set('xyz')), list({'a', 'b', 'c', 'd'}), __import__('sys').argv"
    with sandboxed() as other:
        assert other.value(look) == k.value(look)


def test_libraries_and_the_course_work(k):
    code = (
        "import numpy as np, pandas as pd, matplotlib.pyplot as plt, course_lib.errors\n"
        "from sklearn.ensemble import HistGradientBoostingRegressor as H\n"
        "X = np.random.default_rng(0).normal(size=(400, 4)); H().fit(X, X[:, 0]).predict(X[:2])\n"
        "plt.plot([1, 2])"
    )
    ran = k.run(code)
    assert (ran.error, ran.text) == (None, "")
    assert any("image/png" in output.get("data", {}) for output in ran.outputs)
    assert k.run("!echo hello").text.strip() == "hello"


@pytest.mark.parametrize("mode", ["signal", "message"])
def test_interrupt(k, mode):
    k.manager.kernel_spec.interrupt_mode = mode
    threading.Timer(0.5, k.manager.interrupt_kernel).start()
    assert k.run("import time\ntime.sleep(30)").error == "KeyboardInterrupt"
    assert k.value("40 + 2") == 42


def test_forked_processes_of_the_submission_work(k):
    code = (
        "import multiprocessing as mp\n"
        "with mp.get_context('fork').Pool(2) as pool: total = sum(pool.map(abs, range(-5, 5)))\ntotal"
    )
    assert k.value(code) == 25


def test_unsandboxed_kernels_do_see_these_things():
    """The attacks above are worth something: outside the sandbox they succeed."""
    with kernel("warm") as open_kernel:
        assert open_kernel.value(f"__import__('os').kill({os.getpid()}, 0)") is None
        assert open_kernel.value(f"__import__('os').path.exists({__file__!r})") is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's kernels run as another user")
def test_root_is_told_what_the_kernel_could_not_read(tmp_path):
    from course_lib.grading.sandbox.policy import SandboxFailed

    tmp_path.chmod(0o700)
    with pytest.raises(SandboxFailed, match="chmod"), sandboxed(readable=[tmp_path]):
        pass
