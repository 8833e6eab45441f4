"""The keeper of a sandboxed kernel: furnishes the room, sends the kernel in, watches, and empties the room."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from course_lib.errors import CourseError
from course_lib.grading.kernels import protocol
from course_lib.grading.kernels.keeper import Keeper
from course_lib.grading.sandbox import inside, namespaces
from course_lib.grading.sandbox.bubblewrap import Room, open_room, python_folders
from course_lib.grading.sandbox.policy import SandboxFailed, SandboxPolicy
from course_lib.grading.sandbox.resident import Resident, live
from course_lib.grading.sandbox.watch import Watch, own_memory

if TYPE_CHECKING:
    from course_lib.grading.kernels.template import Preloaded

_LOOK = 0.1  # seconds between looks at clock and memory
_KEPT = 8192  # bytes of what the kernel's process itself says, for reports


def keep_sandboxed(conn: socket.socket, request: dict, preloaded: Preloaded) -> Callable[[], None]:
    """Like ``keep``: returns only in the kernel's process, with what it is to run."""
    room = None
    try:
        policy = SandboxPolicy.from_json(json.dumps(request["sandbox"]["policy"]))
        sockets = Path(request["sandbox"]["sockets"])
        identity = inside.Identity.choose(os.getpid())
        entries = inside.pack(policy.workdir, policy.disk_bytes)
        if identity.root:
            if hidden := inside.unreadable([*python_folders(), *policy.readable]):
                raise SandboxFailed(
                    f"A sandboxed kernel is nobody in particular and can't read {hidden}: type "
                    f"'chmod -R o+rX {hidden}', or grade as an ordinary user instead of root."
                )
            for path in (sockets, *sockets.iterdir()):
                os.chown(path, identity.outside, identity.outside)
        namespaces.become_subreaper()
        room = open_room(policy.readable, sockets, identity.uid)
        pipes = Pipes.open()
        doorman = send_in(room.init, identity)
        if doorman is None:
            conn.close()
            count = inside.processes_that_count(identity.outside)
            resident = Resident(request, policy, identity, entries, count, *pipes.for_kernel())
            return lambda: live(resident, preloaded)
        pipes.keep()
    except (OSError, CourseError) as error:
        _give_up(conn, room, error)
    return SandboxKeeper(conn, doorman, room, policy, pipes, sockets).run()


def _give_up(conn: socket.socket, room: Room | None, error: Exception) -> NoReturn:
    if room is not None:
        room.empty()
    known = isinstance(error, CourseError)
    with contextlib.suppress(OSError):
        protocol.send(conn, {"error": str(error), "kind": type(error).__name__ if known else SandboxFailed.__name__})
    os._exit(1)


@dataclasses.dataclass
class Pipes:
    """What the kernel says about itself (ready), what it waits for (go), and its standard output and error (said)."""

    ready: tuple[int, int]
    go: tuple[int, int]
    said: tuple[int, int]

    @classmethod
    def open(cls) -> Pipes:
        return cls(os.pipe(), os.pipe(), os.pipe())

    def for_kernel(self) -> tuple[int, int, int]:
        """The kernel's ends; all others are closed by number when it settles."""
        return self.ready[1], self.go[0], self.said[1]

    def keep(self) -> None:
        protocol.close_all(self.for_kernel())


@dataclasses.dataclass
class Doorman:
    """The process between keeper and kernel.

    Who joins a process namespace only has his future children in it: so this process joins the room, forks the
    kernel, locks the folder for the connection when it is told to, and ends; then the keeper adopts the kernel.
    """

    pid: int
    kernel: int  # as the keeper sees it
    talk: socket.socket

    def lock(self) -> bool:
        """Have the folder locked. The kernel is the keeper's afterwards."""
        with contextlib.suppress(OSError):
            self.talk.sendall(b"lock")
            locked = self.talk.recv(8) == b"locked"
            self.dismiss()
            return locked
        return False

    def dismiss(self) -> None:
        self.talk.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def send_in(init: int, identity: inside.Identity) -> Doorman | None:
    """Fork a process in the namespaces of a room, whose first process is ``init``. None is returned in that process."""
    ours, theirs = socket.socketpair()
    doorman = os.fork()
    if doorman == 0:
        ours.close()
        with contextlib.suppress(OSError):
            namespaces.enter(init, identity.kinds)
            kernel = os.fork()
            if kernel == 0:
                theirs.close()
                return None
            # Nothing else of the keeper's may stay open here: ends of files mean something to him.
            os.dup2(theirs.fileno(), 3)
            os.closerange(4, os.sysconf("SC_OPEN_MAX"))
            theirs = socket.socket(fileno=3)
            theirs.sendall(str(kernel).encode())
            if theirs.recv(8) == b"lock":
                inside.protect_sockets()
                theirs.sendall(b"locked")
        os._exit(0)
    theirs.close()
    told = ours.recv(32)
    if not told:
        os.waitpid(doorman, 0)
        raise SandboxFailed("The kernel can't join the sandbox that bubblewrap made.")
    return Doorman(doorman, int(told), ours)


class SandboxKeeper(Keeper):
    """Adds to the keeper's duties the clock, the memory of all processes, and the end of everything in the room."""

    def __init__(
        self, conn: socket.socket, doorman: Doorman, room: Room, policy: SandboxPolicy, pipes: Pipes, sockets: Path
    ) -> None:  # fmt: skip
        super().__init__(conn, doorman.kernel, pipes.ready[0], kill_on_disconnect=True)
        self.room, self.policy, self.doorman, self.go = room, policy, doorman, pipes.go[1]
        self.said, self.said_bytes = b"", 0
        self.started = time.monotonic()
        self.leftovers = [sockets]
        self.most_memory = 0
        self.usage = None
        self.room_watch = Watch(room.init)
        # The libraries' own pages, which this process has as well, don't count.
        self.memory_limit = policy.memory_bytes + own_memory()
        os.set_blocking(pipes.said[0], False)
        self.watch(pipes.said[0], self.on_said)

    def timeout(self) -> float:
        return _LOOK

    def tick(self) -> None:
        if time.monotonic() - self.started > self.policy.wall_seconds:
            self.stop("wall_seconds")
            return
        used = self.room_watch.memory(self.memory_limit)
        self.most_memory = max(self.most_memory, used)
        if used > self.memory_limit:
            self.stop("memory_bytes")

    def send_signal(self, signum: int) -> None:
        if signum == signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.room.init, signal.SIGKILL)  # and with it all that live in the room
        super().send_signal(signum)

    def on_ready(self, fd: int) -> None:
        """The kernel listens and waits: nothing of the submission has run. Lock the folder, then let it go on."""
        said = os.read(fd, 16)
        self.unwatch(fd)
        os.close(fd)
        if not said:
            self.doorman.dismiss()
            return  # it ends, and ``finish`` says why
        if not self.doorman.lock():
            self.stop("infrastructure")
            return
        os.write(self.go, b"go")
        os.close(self.go)
        self.tell({"pid": self.kernel, "ready": True})

    def on_said(self, fd: int) -> None:
        """Keep the end of what the process prints past Jupyter, and stop it when that is without end."""
        try:
            part = os.read(fd, 65536)
        except BlockingIOError:
            return
        if not part:
            self.unwatch(fd)
        self.said = (self.said + part)[-_KEPT:]
        self.said_bytes += len(part)
        if self.said_bytes > self.policy.output_bytes:
            self.stop("output_bytes")

    def kernel_status(self) -> int | None:
        try:
            pid, status, usage = os.wait4(self.kernel, os.WNOHANG)
        except ChildProcessError:
            return None  # still the doorman's
        if not pid:
            return None
        self.usage = usage
        return os.waitstatus_to_exitcode(status)

    def finish(self, status: int) -> None:
        """Empty the room, then report: when the client hears of the end, nothing of the submission runs."""
        self.room.empty()
        self.clean_up()
        for key in list(self.selector.get_map().values()):
            if key.data == self.on_said:
                self.on_said(key.fd)
        self.tell(
            {
                "exit": status,
                "reason": self.reason,
                "said": self.said.decode(errors="replace"),
                "memory_bytes": self.most_memory,
                "cpu_seconds": self.usage.ru_utime + self.usage.ru_stime if self.usage else None,
                "wall_seconds": time.monotonic() - self.started,
            }
        )
