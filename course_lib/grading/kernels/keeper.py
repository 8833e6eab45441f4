"""The keeper: a small process between a client and one kernel, forked from the template, the kernel's parent.

It reads what the client asks, forks the kernel, passes signals on, reports the kernel's end, and ends the kernel
when the client is gone. A process may only learn its own children's exit codes, which is why the kernel needs a
parent that lives as long as it does and answers to the client.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from course_lib.grading.kernels import protocol

if TYPE_CHECKING:
    from course_lib.grading.kernels.template import Preloaded


def keep(conn: socket.socket, preloaded: Preloaded) -> Callable[[], None]:
    """Serve one client until its kernel has ended. Returns only in the kernel's process: what this is to run."""
    os.setsid()
    try:
        seen = protocol.peer(conn)
        if seen and seen[1] != os.getuid():
            raise protocol.ProtocolError("only its owner may use a template")
        request, fds = protocol.receive(conn)
    except (OSError, protocol.ProtocolError):
        os._exit(1)
    if request.get("sandbox") is not None:
        from course_lib.grading.sandbox.keeper import keep_sandboxed

        return keep_sandboxed(conn, request, preloaded)
    from course_lib.grading.kernels.child import Launch, become_kernel

    ready, told = os.pipe()
    kernel = os.fork()
    if kernel == 0:
        conn.close()
        os.close(ready)
        launch = Launch.from_request(request, fds, told)
        return lambda: become_kernel(launch, preloaded)
    os.close(told)
    protocol.close_all(fds)
    keeper = Keeper(conn, kernel, ready, request["kill_on_disconnect"])
    keeper.leftovers = connection_files(request["arguments"])
    return keeper.run()


def connection_files(arguments: list[str]) -> list[Path]:
    """The connection file and sockets of a kernel, if they lie in the folder for such (where the template started)."""
    named = [Path(b) for a, b in itertools.pairwise(arguments) if a == "-f"]
    ours = [path for path in named if path.parent == Path.cwd()]
    return [p for path in ours for p in (path, *(path.with_name(f"{path.stem}-ipc-{n}") for n in range(1, 6)))]


class Keeper:
    """Watches the client, the kernel's word that it is ready, and the kernel itself."""

    def __init__(self, conn: socket.socket, kernel: int, ready: int, kill_on_disconnect: bool) -> None:
        self.conn, self.kernel, self.ready = conn, kernel, ready
        self.kill_on_disconnect = kill_on_disconnect
        self.reason: str | None = None
        self.leftovers: list[Path] = []  # to remove when there is no client any more to do it
        self.alone = False
        self.selector = selectors.DefaultSelector()
        # Written to by Python's own signal handler, so that the end of the kernel wakes the loop.
        self.wake, wake_write = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> NoReturn:
        """Watch until the kernel has ended and the client knows how; then end too."""
        self.watch(self.wake, self.on_wake)
        self.watch(self.ready, self.on_ready)
        self.watch(self.conn.fileno(), self.on_client)
        client = protocol.peer(self.conn)
        if client and hasattr(os, "pidfd_open"):
            # The connection may live on in processes that the client has forked; the client's end counts.
            with contextlib.suppress(OSError):
                self.watch(os.pidfd_open(client[0]), self.on_client_gone)
        status = self.kernel_status()
        while status is None:
            for key, _ in self.selector.select(self.timeout()):
                key.data(key.fd)
            self.tick()
            status = self.kernel_status()
        self.finish(status)
        os._exit(0)

    def watch(self, fd: int, handler: Callable[[int], None]) -> None:
        self.selector.register(fd, selectors.EVENT_READ, handler)

    def unwatch(self, fd: int) -> None:
        with contextlib.suppress(KeyError):
            self.selector.unregister(fd)

    def timeout(self) -> float | None:
        """Seconds to wait at most for something to happen."""
        return None

    def tick(self) -> None:
        """Called after every wait."""

    def kernel_status(self) -> int | None:
        """The kernel's exit code as ``subprocess`` counts it, or None while it runs."""
        pid, status = os.waitpid(self.kernel, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def finish(self, status: int) -> None:
        self.clean_up()
        self.tell({"exit": status, "reason": self.reason})

    def clean_up(self) -> None:
        for path in self.leftovers if self.alone else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def on_wake(self, fd: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(fd, 4096)

    def on_ready(self, fd: int) -> None:
        """The kernel listens, or (end of file) it is no kernel of ours any more."""
        said = os.read(fd, 16)
        self.unwatch(fd)
        os.close(fd)
        self.tell({"pid": self.kernel, "ready": bool(said)})

    def on_client(self, _fd: int) -> None:
        try:
            message, fds = protocol.receive(self.conn)
            protocol.close_all(fds)
        except (OSError, protocol.ProtocolError):
            self.on_client_gone(self.conn.fileno())
            return
        if "stop" in message:
            self.stop(str(message["stop"]))
        else:
            self.send_signal(int(message["signal"]))

    def stop(self, reason: str) -> None:
        """End the kernel; the client is told ``reason``, the first one given."""
        self.reason = self.reason or reason
        self.send_signal(signal.SIGKILL)

    def on_client_gone(self, fd: int) -> None:
        self.unwatch(fd)
        self.alone = True
        if self.kill_on_disconnect:
            self.send_signal(signal.SIGKILL)

    def send_signal(self, signum: int) -> None:
        """To the kernel's whole process group. The kernel isn't waited for yet, so its number can't be another's."""
        try:
            os.killpg(self.kernel, signum)
        except (ProcessLookupError, PermissionError):
            with contextlib.suppress(OSError):
                os.kill(self.kernel, signum)

    def tell(self, message: dict) -> None:
        with contextlib.suppress(OSError):
            protocol.send(self.conn, message)
