"""For whoever wants a kernel: find or start the template, ask for a kernel, and hold on to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.grading.kernels import protocol
from course_lib.grading.kernels.identity import Template, UnsafeDirectory, template_for
from course_lib.grading.kernels.process import WarmProcess

IDLE_VARIABLE = "COURSE_WARM_IDLE_SECONDS"  # an unused template ends after this long
OWNER_VARIABLE = "COURSE_WARM_OWNER"  # the process for whose sake a template stays; default: the one that starts it
START_VARIABLE = "COURSE_WARM_START"  # "background": no kernel waits for a template to import its libraries
FORK_VARIABLE = "COURSE_WARM_FORK"  # "1" forks on macOS too
_IDLE = 300.0
_LINGER = 20.0  # once the owner is gone
_PATIENCE = 180.0  # for imports on a slow and busy machine


class NotWarm(Exception):
    """This kernel can't be forked from a template; an ordinary start is right."""


class TemplateFailed(NotWarm):
    """There should be a template, but there is none: worth a warning."""


@dataclass(frozen=True)
class Order:
    """What ``Popen`` would be given for a kernel."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    streams: Sequence[int]
    kill_on_disconnect: bool = True


def fork_is_safe() -> bool:
    """Whether kernels may be forked here: not on Windows, and on macOS only when asked for.

    Apple's own libraries may crash after a fork of a process that has used them.
    """
    if os.name != "posix" or not hasattr(socket, "send_fds"):
        return False
    return sys.platform != "darwin" or os.environ.get(FORK_VARIABLE) == "1"


def python_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split a kernel's command into interpreter with flags, and ipykernel's own arguments.

    Raises:
        NotWarm: for other kernels than Python's, another interpreter than this one, or a relative PYTHONPATH.
    """
    try:
        module = argv.index("-m")
    except ValueError:
        module = len(argv)
    if argv[module + 1 : module + 2] != ["ipykernel_launcher"]:
        raise NotWarm(f"{' '.join(argv)!r} is no kernel that can be forked")
    flags = argv[1:module]
    if any(not flag.startswith("-") or flag in ("-c", "-W", "-X") for flag in flags):
        raise NotWarm("its interpreter is started in an unusual way")
    here, asked = Path(sys.executable), Path(argv[0])
    if asked.parent != here.parent or not asked.exists() or not asked.samefile(here):
        raise NotWarm(f"{argv[0]} is another Python than this one, {sys.executable}")
    return [sys.executable, *flags], argv[module + 2 :]


def start_kernel(order: Order) -> WarmProcess:
    """Fork a kernel. Returns once it listens.

    Raises:
        NotWarm: when it has to be started the ordinary way.
        TemplateFailed: the same, but something is wrong with the template.
    """
    if not fork_is_safe():
        raise TemplateFailed("kernels can't be forked on this system")
    command, arguments = python_command(order.argv)
    if any(p and not os.path.isabs(p) for p in order.env.get("PYTHONPATH", "").split(os.pathsep)):
        raise NotWarm("PYTHONPATH has relative folders")
    if not os.path.isdir(order.cwd):
        raise NotWarm(f"there is no folder {order.cwd}")
    try:
        template = template_for(command, order.env)
    except UnsafeDirectory as error:
        raise TemplateFailed(str(error)) from error
    request = {
        "argv": [*command, "-m", "ipykernel_launcher", *arguments],
        "arguments": arguments,
        "env": dict(order.env),
        "cwd": order.cwd,
        "umask": _umask(),
        "cpus": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "kill_on_disconnect": order.kill_on_disconnect,
    }
    return ask(template, request, order.streams, wait=os.environ.get(START_VARIABLE) != "background")


def ask(template: Template, request: dict, streams: Sequence[int], wait: bool = True) -> WarmProcess:
    """Send the request; a template that is just ending is replaced by a new one, once.

    Without ``wait``, NotWarm is raised while the template is still importing.
    """
    for attempt in (1, 2):
        conn = connect(template, wait)
        try:
            conn.settimeout(_PATIENCE)
            protocol.send(conn, request, streams)
            answer, fds = protocol.receive(conn)
        except (OSError, protocol.ProtocolError) as error:
            conn.close()
            if attempt == 2:
                raise TemplateFailed(f"the template process ended: {_last_words(template) or error}") from error
            continue
        protocol.close_all(fds)
        return WarmProcess(conn, answer)
    raise AssertionError("unreachable")


def connect(template: Template, wait: bool = True) -> socket.socket:
    """A connection to the template, which is started if need be.

    Raises:
        NotWarm: while the template is still importing, unless told to ``wait``.
        TemplateFailed: if it can't be started.
    """
    conn = _try_connect(template)
    if conn is None:
        from filelock import FileLock

        try:
            with FileLock(template.lock):
                conn = _try_connect(template) or _start(template)
        except OSError as error:
            raise TemplateFailed(f"the template process can't be started: {error}") from error
    if not wait and not template.ready.exists():
        conn.close()
        raise NotWarm("the template is still importing its libraries")
    return conn


def _try_connect(template: Template) -> socket.socket | None:
    conn = socket.socket(socket.AF_UNIX)
    try:
        conn.connect(str(template.socket))
    except (FileNotFoundError, ConnectionRefusedError):
        conn.close()
        return None
    return conn


def _start(template: Template) -> socket.socket:
    template.ready.unlink(missing_ok=True)
    _sweep(template.directory)
    idle = float(os.environ.get(IDLE_VARIABLE) or _IDLE)
    config = {
        "socket": str(template.socket),
        "ready": str(template.ready),
        "modules": list(template.modules),
        "idle": idle,
        "linger": min(idle, _LINGER),
        "owner": int(os.environ.get(OWNER_VARIABLE) or os.getpid()),
    }
    with template.log.open("wb") as log:
        starting = subprocess.run(
            [*template.command, "-m", "course_lib.grading.kernels.template"],
            input=json.dumps(config).encode(),
            stdout=log,
            stderr=log,
            cwd=template.directory,
            env=dict(template.env),
            start_new_session=True,
            check=False,
            timeout=_PATIENCE,
        )
    deadline = time.monotonic() + 10
    while starting.returncode == 0 and time.monotonic() < deadline:
        if conn := _try_connect(template):
            return conn
        time.sleep(0.005)
    raise TemplateFailed(f"the template process doesn't start: {_last_words(template)}")


def _last_words(template: Template) -> str:
    """The last line of the template's log: the error, when it ended with one."""
    with contextlib.suppress(OSError):
        lines = template.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
    return ""


def _sweep(directory: Path, days: float = 2.0) -> None:
    """Remove what templates and kernels that were killed have left behind, unless it may still be in use."""
    for path in directory.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime < days * 86400:
                continue
            if path.name.startswith("s-"):  # where a sandboxed kernel listened
                shutil.rmtree(path)
            elif path.name.startswith("kernel-") or path.suffix in (".lock", ".log"):
                path.unlink()


def _umask() -> int | None:
    """This process's umask, where it can be read without changing it for a moment (Linux)."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return None
