"""Starts and ends the processes of a notebook, for the worker that grades it.

On Linux and macOS they are forked from a `nursery`; elsewhere each is a fresh Python, which is slower by the time
that its imports take. Whatever keeps a process from starting is the machine's fault, never the student's.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.grading.channel import Channel, ChannelBroken, ChannelClosed, ChannelTimeout, pair
from course_lib.grading.limits import Limits

START_SECONDS = 120.0
STUDENT, JUDGE = "student", "judge"


class CannotStart(Exception):
    """A process for grading did not start: the infrastructure failed."""


@dataclass
class Process:
    """A running process and the channel to it."""

    channel: Channel
    pid: int
    starter: Starter

    def end(self) -> None:
        """Kill it and all that it started."""
        self.channel.close()
        self.starter.end(self.pid)


class Starter:
    """Starts processes. ``modules`` are imported once, beforehand, where processes can be forked; ``readable`` are
    folders that a student's process may read in its sandbox."""

    def __init__(
        self,
        modules: Sequence[str],
        limits: Limits,
        *,
        sandboxed: bool,
        readable: Sequence[Path] = (),
        fork: bool | None = None,
    ) -> None:
        self.limits, self.sandboxed = limits, sandboxed
        self.readable = [str(path) for path in readable if path.exists()]
        self.forks = can_fork() if fork is None else fork
        self._modules = list(modules)
        self._fresh: dict[int, subprocess.Popen[bytes]] = {}
        self._nursery: subprocess.Popen[bytes] | None = None
        if self.forks:
            self._start_nursery()

    def seen_as(self, folder: Path) -> Path:
        """Where the student's process will find its working folder."""
        if not self.sandboxed:
            return folder
        from course_lib.grading.sandbox.policy import WORK

        return Path(WORK)

    def start(self, role: str, folder: Path, env: dict[str, str]) -> Process:
        """A process that is ready to serve. Raises CannotStart."""
        ours, theirs = pair()
        order = {
            "role": role,
            "folder": str(folder),
            "env": env,
            "sandboxed": self.sandboxed and role == STUDENT,
            "readable": self.readable,
            "limits": self.limits.as_dict(),
            "memory_megabytes": self.limits.memory_bytes >> 20,
        }
        try:
            pid = self._fork(order, theirs) if self.forks else self._spawn(order, theirs)
        except OSError as error:
            ours.close()
            raise CannotStart(f"no process for grading could be started: {error}") from error
        finally:
            theirs.close()
        process = Process(ours, pid, self)
        try:
            head, _ = ours.receive(time.monotonic() + START_SECONDS)
        except (ChannelClosed, ChannelTimeout, ChannelBroken) as error:
            process.end()
            raise CannotStart(f"the {role}'s process did not start: {error or type(error).__name__}") from error
        if head.get("kind") != "ready":
            process.end()
            raise CannotStart(f"the {role}'s process did not start: {head.get('reason', 'it says something else')}")
        return process

    def end(self, pid: int) -> None:
        """Kill a process that this starter has started."""
        if pid in self._fresh:
            self._fresh[pid].kill()
            self._fresh.pop(pid).wait()
        elif self._nursery is not None:
            try:
                self._ask({"end": pid})
            except OSError:
                for kill in (os.killpg, os.kill):  # without its parent it is still ours to end
                    with suppress(ProcessLookupError, PermissionError):
                        kill(pid, signal.SIGKILL)
                self._restart_nursery()

    def close(self) -> None:
        """End everything."""
        for pid in list(self._fresh):
            self.end(pid)
        if self._nursery is not None:
            self._socket.close()
            self._nursery.wait()
            self._nursery = None

    def _start_nursery(self) -> None:
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-m", "course_lib.grading.processes.nursery", str(theirs.fileno()), *self._modules]
        self._nursery = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self._socket.settimeout(START_SECONDS)
        self._waiting = True

    def _restart_nursery(self) -> None:
        if self._nursery is not None:
            self._socket.close()
            self._nursery.kill()
            self._nursery.wait()
        self._start_nursery()

    def _ask(self, order: dict[str, Any], fd: int | None = None) -> dict[str, Any]:
        if self._waiting:
            if self._socket.recv(64) != b"ready":
                raise OSError("the process that others are forked from did not start")
            self._waiting = False
        socket.send_fds(self._socket, [json.dumps(order).encode()], [] if fd is None else [fd])
        answer = self._socket.recv(1 << 16)
        if not answer:
            raise OSError("the process that others are forked from has ended")
        return {} if answer == b"ended" else json.loads(answer)

    def _fork(self, order: dict[str, Any], theirs: Channel) -> int:
        try:
            answer = self._ask(order, theirs.end.fileno())
        except OSError:
            self._restart_nursery()
            answer = self._ask(order, theirs.end.fileno())
        if "error" in answer:
            raise OSError(answer["error"])
        return answer["pid"]

    def _spawn(self, order: dict[str, Any], theirs: Channel) -> int:
        command = [sys.executable, "-m", "course_lib.grading.processes.fresh"]
        if os.name == "nt":
            child = subprocess.Popen(command, stdin=subprocess.PIPE)
            handed = theirs.end.share(child.pid).hex()
        else:
            number = theirs.end.fileno()
            child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[number], start_new_session=True)
            handed = str(number)
        assert child.stdin is not None
        child.stdin.write(json.dumps({**order, "channel": handed}).encode())
        child.stdin.close()
        self._fresh[child.pid] = child
        return child.pid


def can_fork() -> bool:
    """Whether processes are forked here. Apple's libraries may crash after a fork, so not on macOS."""
    return sys.platform.startswith("linux") and hasattr(socket, "send_fds")
