"""A forked kernel as its client sees it: like ``subprocess.Popen``, though it is no child of this process."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import IO

from course_lib.grading.kernels import protocol


class WarmProcess:
    """Process number, exit code and signals of a kernel whose keeper is at the other end of ``conn``.

    ``reason`` says, once the kernel has ended, why its keeper ended it (None: it ended by itself).
    """

    stdin: IO | None = None
    stdout: IO | None = None
    stderr: IO | None = None

    def __init__(self, conn: socket.socket, answer: dict) -> None:
        conn.setblocking(True)
        self._conn: socket.socket | None = conn
        self.pid: int = answer.get("pid", 0)
        self.returncode: int | None = None
        self.reason: str | None = None
        self.report: dict = answer  # all that the keeper has said last
        self.when_ended: Callable[[dict], None] | None = None
        if "exit" in answer:
            self._ended(answer)

    def poll(self) -> int | None:
        """The exit code, or None while the kernel runs; never waits."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code (negative: the signal that ended it)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            self._look(left)
            if self.returncode is None and left == 0.0:
                raise subprocess.TimeoutExpired("kernel", timeout or 0.0)
        return self.returncode

    def _look(self, timeout: float | None) -> int | None:
        while self.returncode is None and self._conn is not None:
            poller = select.poll()
            poller.register(self._conn, select.POLLIN)
            if not poller.poll(None if timeout is None else timeout * 1000):
                break
            try:
                message, fds = protocol.receive(self._conn)
                protocol.close_all(fds)
            except (OSError, protocol.ProtocolError):
                # The keeper was killed: nobody knows how the kernel ended, or ends it any more.
                with contextlib.suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
                message = {"exit": -signal.SIGKILL, "reason": "its keeper was killed"}
            if "exit" in message:
                self._ended(message)
        return self.returncode

    def _ended(self, message: dict) -> None:
        self.returncode, self.reason, self.report = message["exit"], message.get("reason"), message
        self.close()
        if self.when_ended is not None:
            self.when_ended(message)

    def send_signal(self, signum: int) -> None:
        """Signal the kernel's process group; nothing happens if it has ended."""
        if self.poll() is None and self._conn is not None:
            with contextlib.suppress(OSError):
                protocol.send(self._conn, {"signal": int(signum)})

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def stop(self, reason: str) -> None:
        """Kill the kernel and have ``reason`` reported as the cause."""
        if self.poll() is None and self._conn is not None:
            with contextlib.suppress(OSError):
                protocol.send(self._conn, {"stop": reason})

    def close(self) -> None:
        """Let go of the keeper, which ends the kernel unless it was started to outlive its client."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
