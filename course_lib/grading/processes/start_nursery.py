"""Starts a `nursery`. Its imports take longest of all that grading begins with, so this imports next to nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

START_SECONDS = 120.0


def start_nursery(
    workers: int, modules: Sequence[str], readable: Sequence[str] | None, env: dict[str, str] | None = None
) -> tuple[list[socket.socket], subprocess.Popen[bytes]]:
    """A nursery for some workers: each worker's end of its connection, and the process.

    It imports the modules, and waits to hear of others (see `import_also`). Sandboxes in which ``readable`` can be read
    are kept ready beside it (None: students' processes are not sandboxed).
    """
    pairs = [socket.socketpair() for _ in range(workers)]
    theirs = [there.fileno() for _, there in pairs]
    rooms = "" if readable is None else json.dumps(list(readable))
    command = [
        sys.executable,
        "-m",
        "course_lib.grading.processes.nursery",
        ",".join(map(str, theirs)),
        rooms,
        *modules,
    ]
    process = subprocess.Popen(command, pass_fds=theirs, stdin=subprocess.PIPE, env=env)
    for here, there in pairs:
        there.close()
        here.settimeout(START_SECONDS)
    return [here for here, _ in pairs], process


def import_also(nursery: subprocess.Popen[bytes], modules: Sequence[str]) -> None:
    """Tell a nursery what else to import, and that this is all."""
    assert nursery.stdin is not None
    with suppress(BrokenPipeError), nursery.stdin as line:  # one that has ended is found out by who needs it
        line.write(json.dumps(list(modules)).encode() + b"\n")


def existing(paths: Iterable[Path]) -> list[str]:
    """Those that there are."""
    return [str(path) for path in paths if path.exists()]


def can_fork() -> bool:
    """Whether processes are forked here. Apple's libraries may crash after a fork, so not on macOS."""
    return sys.platform.startswith("linux") and hasattr(socket, "send_fds")
