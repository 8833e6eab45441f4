"""A student's process in a sandbox: the walls of `course_lib.grading.sandbox`, around our own forked process.

The porter has an empty room ready; the nursery forks the student's process into it, and that process furnishes the
room, gives up every right and accepts the limits before it hears of the student.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from course_lib.grading.channel import Channel
from course_lib.grading.processes.porter import Lodging, Porter
from course_lib.grading.sandbox import inside, namespaces
from course_lib.grading.sandbox.keeper import send_in
from course_lib.grading.sandbox.policy import WORK, SandboxPolicy
from course_lib.grading.sandbox.watch import own_memory

_CHANNEL = 3  # the student's descriptor for the channel, behind the standard streams


@dataclass
class Move:
    """What a student's process takes into its room."""

    policy: SandboxPolicy
    identity: inside.Identity
    entries: list[inside.Entry]
    init: int

    def settle(self, fd: int) -> Channel:
        """In the room: furnish it, give up every right, accept the limits. Returns only where all of it went well."""
        end = fd
        try:
            if self.identity.root:
                others = tuple(kind for kind in self.identity.kinds if kind != "pid")
                namespaces.enter(self.init, others)
            inside.furnish(self.policy, self.identity)
            inside.give_up_rights(self.identity)
            inside.unpack(self.entries)
            os.dup2(fd, _CHANNEL)
            end = _CHANNEL
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            os.closerange(_CHANNEL + 1, os.sysconf("SC_OPEN_MAX"))
            os.environ.clear()
            os.environ.update(self.policy.environment())
            os.chdir(WORK)
            if hasattr(time, "tzset"):
                time.tzset()
            inside.accept_limits(self.policy, inside.processes_that_count(self.identity.outside))
            inside.filter_calls()
            return Channel(socket.socket(fileno=_CHANNEL))
        except Exception as error:
            _give_up(end, error)


def fork_into_room(order: dict[str, Any], porter: Porter) -> tuple[int, Move]:
    """Fork a process in a room of its own; returns its number, 0 in that process, and what it is to settle with.

    Raises OSError or a CourseError where that can't be done.
    """
    policy = policy_of(order)
    entries = inside.pack(policy.workdir, policy.disk_bytes)
    lodging = porter.room(order["readable"])
    move = Move(policy, inside.Identity.of(lodging.uid), entries, lodging.init)
    try:
        resident = _fork(lodging, move.identity)
    except BaseException:
        porter.not_used(lodging)
        raise
    if resident:
        try:
            # the libraries' own pages, which this process has as well, don't count
            porter.moved_in(lodging, resident, policy.memory_bytes + own_memory())
        except OSError:  # nobody would look after it
            os.kill(resident, signal.SIGKILL)
            os.waitpid(resident, 0)
            raise
    return resident, move


def policy_of(order: dict[str, Any]) -> SandboxPolicy:
    """The sandbox's limits, from those of a notebook."""
    limits = order["limits"]
    return SandboxPolicy(
        memory_bytes=limits["memory_bytes"],
        processes=limits["processes"],
        disk_bytes=2 * limits["file_bytes"],
        file_bytes=limits["file_bytes"],
        cpu_seconds=int(limits["notebook_seconds"]) + 60,
        workdir=Path(order["folder"]),
        readable=tuple(Path(path) for path in order["readable"]),
        env=order["env"],
    )


def _fork(lodging: Lodging, identity: inside.Identity) -> int:
    """Fork a process in the room's process namespace: its number, or 0 in that process.

    Root can have its next child in another process namespace, and go back to its own for those after it. Others have
    to be somebody else in the room's user namespace first, from where there is no way back: they send a doorman.
    """
    if not identity.root:
        doorman = send_in(lodging.init, identity)
        if doorman is None:
            return 0
        doorman.dismiss()
        return doorman.kernel
    own, theirs = (namespaces.handles(pid, ("pid",)) for pid in (os.getpid(), lodging.init))
    namespaces.join(theirs)
    resident = None
    try:
        resident = os.fork()
    finally:
        if resident != 0:
            namespaces.join(own)
    return resident


def _give_up(end: int, error: Exception) -> NoReturn:
    try:
        Channel(socket.socket(fileno=end)).send({"kind": "failed", "reason": str(error)})
    finally:
        os._exit(1)
