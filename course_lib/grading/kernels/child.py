"""What a forked process does to become a kernel that can't be told from one started the ordinary way."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import importlib.util
import os
import signal
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from course_lib.grading.kernels.template import Preloaded

_INLINE_BACKEND = "module://matplotlib_inline.backend_inline"  # what ipykernel sets when nothing else is asked for
_OURS = "course_lib"


@dataclass(frozen=True)
class Launch:
    """What a client asked for."""

    argv: list[str]  # as an ordinary kernel would be started: interpreter, flags, -m ipykernel_launcher, …
    arguments: list[str]  # what comes after the module's name
    env: dict[str, str]
    cwd: str
    umask: int | None
    cpus: list[int] | None
    streams: list[int]  # descriptors for standard input, output and error
    ready: int  # the keeper learns through this that the kernel listens

    @classmethod
    def from_request(cls, request: dict, streams: list[int], ready: int) -> Launch:
        names = ("argv", "arguments", "env", "cwd", "umask", "cpus")
        return cls(**{name: request[name] for name in names}, streams=streams, ready=ready)


def become_kernel(launch: Launch, preloaded: Preloaded) -> None:
    """Take on the request's streams, environment and folder, and run the kernel until it is shut down."""
    os.setsid()
    ready = settle_process(launch)
    if hidden_by(Path.cwd(), preloaded.names):
        # A file here would have been imported instead of a library: only an ordinary start gets that right.
        os.execve(launch.argv[0], launch.argv, launch.env)
    settle_interpreter(launch, preloaded)
    run_kernel(launch.arguments, lambda: _say_ready(ready))


def settle_process(launch: Launch, also: int | None = None) -> int:
    """What the operating system keeps for a process. Returns where the descriptor for the keeper now is.

    ``also`` is another descriptor to keep; it comes to be the next number.
    """
    reset_signals()
    ready = take_descriptors(launch.streams, [launch.ready] if also is None else [launch.ready, also])
    if launch.umask is not None:
        os.umask(launch.umask)
    if launch.cpus and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, launch.cpus)
    os.environ.clear()
    os.environ.update(launch.env)
    os.chdir(launch.cwd)
    if hasattr(time, "tzset"):
        time.tzset()
    return ready


def reset_signals() -> None:
    """As a fresh interpreter has them."""
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def take_descriptors(streams: list[int], kept: list[int]) -> int:
    """Make ``streams`` the standard ones, ``kept`` those from number 3 on, and close every other descriptor.

    Returns 3. All are copied out of the way first, so that none is overwritten before it is in its place.
    """
    first = 3 + len(streams) + len(kept)
    aside = [fcntl.fcntl(fd, fcntl.F_DUPFD, first) for fd in (*streams, *kept)]
    for number, fd in enumerate(aside):
        os.dup2(fd, number, inheritable=number < len(streams))
    os.closerange(len(aside), os.sysconf("SC_OPEN_MAX"))
    return len(streams)


def hidden_by(folder: Path, names: frozenset[str]) -> str | None:
    """The file in ``folder`` that an ordinary kernel would use in place of something imported already, if any."""
    try:
        present = set(os.listdir(folder))
    except OSError:
        return None
    if "matplotlibrc" in present and "matplotlib" in names:
        return "matplotlibrc"
    for name in names & {entry.partition(".")[0] for entry in present}:
        if f"{name}.py" in present:
            return f"{name}.py"
        if name in present and (folder / name / "__init__.py").is_file():
            return name
    return None


def settle_interpreter(launch: Launch, preloaded: Preloaded) -> None:
    """What Python and its libraries keep: nothing of the template's may show, and nothing random be shared."""
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [launcher.origin if launcher and launcher.origin else "ipykernel_launcher", *launch.arguments]
    sys.orig_argv[:] = launch.argv
    sys.path[:] = preloaded.path
    os.environ.update(preloaded.env)
    importlib.invalidate_caches()
    sys.modules["__main__"] = types.ModuleType("__main__")
    # The course's own code is imported anew in every kernel, so that an edit shows at once.
    for name in [m for m in sys.modules if m.partition(".")[0] == _OURS]:
        del sys.modules[name]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # Python's own generator does that by itself after a fork
    if multiprocessing := sys.modules.get("multiprocessing"):
        multiprocessing.current_process().authkey = os.urandom(32)
    if matplotlib := sys.modules.get("matplotlib"):
        matplotlib.rcParams["backend"] = os.environ.get("MPLBACKEND") or _INLINE_BACKEND


def run_kernel(arguments: list[str], when_ready: Callable[[], None]) -> NoReturn:
    """Run ipykernel in this process until it is shut down; ``when_ready`` is called once it listens."""
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    # The keeper watches the client, so ipykernel need not watch its parent: 1 tells it that there is nothing to.
    app.parent_handle = 1
    app.initialize(arguments)
    when_ready()
    app.start()
    sys.exit(0)


def _say_ready(fd: int) -> None:
    os.write(fd, b"ready")
    os.close(fd)
