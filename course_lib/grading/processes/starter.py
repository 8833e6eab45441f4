"""Starts and ends the processes of a notebook, for the worker that grades it.

On Linux and macOS they are forked from a `nursery`; elsewhere each is a fresh Python, which is slower by the time
that its imports take. Whatever keeps a process from starting is the machine's fault, never the student's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from course_lib.grading.channel import Channel, ChannelBroken, ChannelClosed, ChannelTimeout, pair
from course_lib.grading.limits import Limits
from course_lib.grading.processes.start_nursery import START_SECONDS, can_fork, existing, import_also, start_nursery

STUDENT, JUDGE = "student", "judge"


class MakeFolder(Protocol):
    """Fills a process's folder, given where it is and where the process will see it; returns its environment.

    Folders made by functions with the same ``key`` are alike.
    """

    key: str

    def __call__(self, folder: Path, seen_as: Path) -> dict[str, str]: ...


class CannotStart(Exception):
    """A process for grading did not start: the infrastructure failed."""


@dataclass
class Process:
    """A running process and the channel to it."""

    channel: Channel
    pid: int
    folder: Path
    role: str
    starter: Starter

    def end(self) -> None:
        """Kill it and all that it started, and remove its folder."""
        self.channel.close()
        self.starter.end(self.pid)
        shutil.rmtree(self.folder, ignore_errors=True)


class Starter:
    """Starts processes. ``modules`` are imported once, beforehand, where processes can be forked; ``readable`` are
    folders that a student's process may read in its sandbox. ``nursery`` is a connection to one that is shared; all
    that is forked from it for this starter stays on ``processor``, if one is named."""

    def __init__(
        self,
        modules: Sequence[str],
        limits: Limits,
        *,
        sandboxed: bool,
        readable: Sequence[Path] = (),
        nursery: socket.socket | None = None,
        processor: int | None = None,
        fork: bool | None = None,
    ) -> None:
        self.limits, self.sandboxed, self.processor = limits, sandboxed, processor
        self.readable = existing(readable)
        self.forks = can_fork() if fork is None else fork
        self._modules = list(modules)
        self._fresh: dict[int, subprocess.Popen[bytes]] = {}
        self._nursery: subprocess.Popen[bytes] | None = None
        self._spares: dict[tuple[str, str], Process] = {}
        self._kept: Process | None = None
        self.more = True  # whether there will be more notebooks, as far as is known
        if self.forks and nursery is not None:
            nursery.settimeout(START_SECONDS)
            self._socket, self._waiting = nursery, True
        elif self.forks:
            self._start_nursery()

    def seen_as(self, folder: Path) -> Path:
        """Where the student's process will find its working folder."""
        if not self.sandboxed:
            return folder
        from course_lib.grading.sandbox.policy import WORK

        return Path(WORK)

    def take(self, role: str, make: MakeFolder) -> Process:
        """A process that is ready to serve, in a folder of its own that ``make`` has filled. Raises CannotStart.

        The next one of the same kind is started at once: by the time that it is wanted, it is there.
        """
        if role == JUDGE and (process := self._kept_judge()) is not None:
            return process
        spare = self._spares.pop((role, make.key), None)
        process = None
        if spare is not None:
            with suppress(CannotStart):
                process = self._wait_for(spare)
        process = process or self._wait_for(self._begin(role, make))
        if self.forks and self.more:
            with suppress(CannotStart):  # the next one to ask will hear of it
                self._spares[role, make.key] = self._begin(role, make)
        return process

    def keep(self, judge: Process) -> None:
        """A judge that waits for its next order goes on to the next notebook of the same hand-in."""
        self.end_kept()
        self._kept = judge

    def end_kept(self) -> None:
        """The hand-in is done: the next one has a judge of its own."""
        if self._kept is not None:
            self._kept.end()
        self._kept = None

    def _kept_judge(self) -> Process | None:
        judge, self._kept = self._kept, None
        if judge is not None:
            try:
                judge.channel.send({"kind": "reset"})
            except ChannelClosed:
                judge.end()
                return None
        return judge

    def _begin(self, role: str, make: MakeFolder) -> Process:
        """Order a process, without waiting until it is ready."""
        folder = Path(tempfile.mkdtemp(prefix="grading-")).resolve()
        ours, theirs = pair()
        ours.shared = role == STUDENT  # with the judge
        try:
            order = {
                "role": role,
                "folder": str(folder),
                "env": make(folder, self.seen_as(folder) if role == STUDENT else folder),
                "sandboxed": self.sandboxed and role == STUDENT,
                "readable": self.readable,
                "processor": self.processor,
                "limits": self.limits.as_dict(),
                "memory_megabytes": self.limits.memory_bytes >> 20,
            }
            pid = self._fork(order, theirs) if self.forks else self._spawn(order, theirs)
        except OSError as error:
            ours.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise CannotStart(f"no process for grading could be started: {error}") from error
        finally:
            theirs.close()
        return Process(ours, pid, folder, role, self)

    def _wait_for(self, process: Process) -> Process:
        try:
            head, _ = process.channel.receive(time.monotonic() + START_SECONDS)
            said = "" if head.get("kind") == "ready" else head.get("reason", "it says something else")
        except (ChannelClosed, ChannelTimeout, ChannelBroken) as error:
            said = str(error) or type(error).__name__
        if said:
            process.end()
            raise CannotStart(f"the {process.role}'s process did not start: {said}")
        return process

    def end(self, pid: int) -> None:
        """Kill a process that this starter has started."""
        if pid in self._fresh:
            self._fresh[pid].kill()
            self._fresh.pop(pid).wait()
        elif self.forks:
            try:
                self._ask({"end": pid})
            except OSError:
                for kill in (os.killpg, os.kill):  # without its parent it is still ours to end
                    with suppress(ProcessLookupError, PermissionError):
                        kill(pid, signal.SIGKILL)
                self._restart_nursery()

    def close(self) -> None:
        """End everything."""
        self.end_kept()
        for spare in self._spares.values():
            spare.end()
        self._spares.clear()
        for pid in list(self._fresh):
            self.end(pid)
        if self.forks:
            self._socket.close()
        if self._nursery is not None:
            self._nursery.wait()
            self._nursery = None

    def _start_nursery(self) -> None:
        readable = self.readable if self.sandboxed else None
        (self._socket,), self._nursery = start_nursery(1, self._modules, readable)
        import_also(self._nursery, [])
        self._waiting = True

    def _restart_nursery(self) -> None:
        self._socket.close()
        if self._nursery is not None:
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
