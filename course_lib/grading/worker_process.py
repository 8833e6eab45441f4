"""A grading worker's process, as the process that grades the class sees it: started, given orders, replaced, ended."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from course_lib.grading import worker
from course_lib.grading.channel import Channel, ChannelBroken, ChannelClosed, pair
from course_lib.grading.nurseries import worker_environment
from course_lib.grading.processes.start_nursery import can_fork

_PATIENCE = 5.0  # seconds for a worker to end by itself


class WorkerProcess:
    """One worker, kept alive through whatever happens to it.

    Where processes are forked and nothing else runs in this one, the first is a copy of it, which has all of its
    imports and the setting already. ``others`` are ends of connections that such a copy must not keep open. On
    ``processor`` it stays, with the processes that work for it.
    """

    def __init__(
        self,
        setting: worker.Setting,
        nursery: socket.socket | None,
        others: Iterable[Any] = (),
        *,
        processor: int | None = None,
    ) -> None:
        self.setting, self.processor = setting, processor
        self.channel, theirs = pair()
        if nursery is not None and _may_be_copied():
            self.process: subprocess.Popen[bytes] | _Copy = _Copy(self._live, theirs, nursery, others)
        else:
            self.process = self._start(theirs, nursery)
        theirs.close()
        if nursery is not None:
            nursery.close()

    def give(self, kind: str, content: Any, *, more: bool = True) -> None:
        """Give it an order; a worker that has died meanwhile is replaced first. ``more``: others wait for theirs."""
        self.give_packed(kind, pickle.dumps(content), more=more)

    def give_packed(self, kind: str, body: bytes, *, more: bool = True) -> None:
        """The same with an order that is pickled already."""
        head = {"kind": kind, "more": more}
        try:
            self.channel.send(head, body)
        except ChannelClosed:
            self.restart()
            self.channel.send(head, body)

    def answer(self) -> Any:
        """What it answers; None when it has died, and then there is a new one in its place."""
        packed = self.answer_packed()
        return None if packed is None else pickle.loads(packed)

    def answer_packed(self) -> bytes | None:
        """The same, still pickled."""
        try:
            return self.channel.receive()[1]
        except (ChannelClosed, ChannelBroken):
            self.restart()
            return None

    def restart(self) -> None:
        """Start it anew, with a nursery of its own."""
        self.end()
        self.channel, theirs = pair()
        self.process = self._start(theirs, None)
        theirs.close()

    def end(self) -> None:
        """Let it end, or end it."""
        self.channel.close()
        try:
            self.process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _live(self, theirs: Channel, nursery: socket.socket, others: Iterable[Any]) -> None:
        """In the copy: be the worker."""
        for end in (self.channel, *others):
            end.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.environ.update(worker_environment())
        worker.live(theirs, self.setting, nursery, self.processor)

    def _start(self, theirs: Channel, nursery: socket.socket | None) -> subprocess.Popen[bytes]:
        """A Python of its own."""
        env = {**os.environ, **worker_environment()}
        command = [sys.executable, "-m", "course_lib.grading.worker"]
        if os.name == "nt":
            process = subprocess.Popen([*command, "-"], stdin=subprocess.PIPE, env=env)
            assert process.stdin is not None
            process.stdin.write(theirs.end.share(process.pid).hex().encode() + b"\n")
            process.stdin.close()
        else:
            numbers = [end.fileno() for end in (theirs.end, nursery) if end is not None]
            process = subprocess.Popen(
                [*command, *map(str, numbers)], stdin=subprocess.DEVNULL, pass_fds=numbers, env=env
            )
        first = {name: getattr(self.setting, name) for name in ("modules", "limits", "sandboxed")}
        first["processor"] = self.processor
        self.channel.send({"kind": "start"}, pickle.dumps(first))
        self.channel.send({"kind": "setting"}, pickle.dumps(self.setting))
        return process


class _Copy:
    """A copy of this process that does one thing and ends; used as a `subprocess.Popen` is."""

    def __init__(self, act: Any, *given: Any) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                act(*given)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)  # nothing of what this process was about to do is the copy's to do

    def wait(self, timeout: float | None = None) -> None:
        end = None if timeout is None else time.monotonic() + timeout
        with suppress(ChildProcessError):
            while not os.waitpid(self.pid, 0 if end is None else os.WNOHANG)[0]:
                if end is not None and time.monotonic() > end:
                    raise subprocess.TimeoutExpired("a grading worker", timeout or 0)
                time.sleep(0.001)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _may_be_copied() -> bool:
    """Whether a copy of this process is whole: only the thread that copies it goes on in the copy."""
    return can_fork() and threading.active_count() == 1 and len(os.listdir("/proc/self/task")) == 1
