"""A student's process in a sandbox: the walls of `course_lib.grading.sandbox`, around our own forked process.

The nursery forks a keeper; the keeper has bubblewrap make an empty room, sends the student's process in, watches
the memory of all that goes on there, and empties the room at the end. Killing the keeper empties it, too.
"""

from __future__ import annotations

import os
import select
import socket
import time
from pathlib import Path
from typing import Any, NoReturn

from course_lib.grading.channel import Channel
from course_lib.grading.sandbox import inside, namespaces
from course_lib.grading.sandbox.bubblewrap import Room, open_room, python_folders
from course_lib.grading.sandbox.keeper import send_in
from course_lib.grading.sandbox.policy import WORK, SandboxFailed, SandboxPolicy
from course_lib.grading.sandbox.watch import Watch, own_memory

_LOOK = 0.1  # seconds between looks at the memory
_CHANNEL = 3  # the student's descriptor for the channel, behind the standard streams


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


def enter(order: dict[str, Any], fd: int) -> Channel:
    """Keep a room (and never return), or return in the process that lives in it, with its channel."""
    room = None
    try:
        policy = policy_of(order)
        identity = inside.Identity.choose(os.getpid())
        if identity.root and (hidden := inside.unreadable([*python_folders(), *policy.readable])):
            raise SandboxFailed(f"a student's process may not read {hidden}: `chmod -R o+rX {hidden}` lets it")
        entries = inside.pack(policy.workdir, policy.disk_bytes)
        namespaces.become_subreaper()
        room = open_room(policy.readable, None, identity.uid)
        resident = _send_in(room, identity, fd)
        if resident is None:
            return _settle(policy, identity, entries, fd)
    except Exception as error:
        _give_up(fd, room, error)
    else:
        os.close(fd)
        _watch(room, resident, policy.memory_bytes + own_memory())


def _send_in(room: Room, identity: inside.Identity, fd: int) -> int | None:
    """Fork a process in the room's namespaces: its number, or None in that process.

    Root can have its next child in another process namespace, without going there. Others have to be somebody else
    in the room's user namespace first, from where there is no way back: they send a doorman.
    """
    if not identity.root:
        doorman = send_in(room, identity)
        if doorman is None:
            return None
        doorman.dismiss()
        return doorman.kernel
    opened = namespaces.handles(room.init, identity.kinds)
    namespaces.join({"pid": opened.pop("pid")})
    resident = os.fork()
    if resident == 0:
        try:
            namespaces.join(opened)
        except OSError as error:
            _give_up(fd, None, error)
        return None
    for handle in opened.values():
        os.close(handle)
    return resident


def _settle(policy: SandboxPolicy, identity: inside.Identity, entries: list[inside.Entry], fd: int) -> Channel:
    """In the room: furnish it, give up every right, accept the limits."""
    try:
        os.setsid()
        inside.furnish(policy, identity)
        inside.give_up_rights(identity)
        inside.unpack(entries)
        os.dup2(fd, _CHANNEL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.closerange(_CHANNEL + 1, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(policy.environment())
        os.chdir(WORK)
        if hasattr(time, "tzset"):
            time.tzset()
        inside.accept_limits(policy, inside.processes_that_count(identity.outside))
        inside.filter_calls()
        return Channel(socket.socket(fileno=_CHANNEL))
    except Exception as error:
        _give_up(_CHANNEL, None, error)


def _give_up(fd: int, room: Room | None, error: Exception) -> NoReturn:
    try:
        Channel(socket.socket(fileno=fd)).send({"kind": "failed", "reason": str(error)})
    finally:
        if room is not None:
            room.empty()
        os._exit(1)


def _watch(room: Room, resident: int, memory: int) -> NoReturn:
    """Until the student's process ends: end it, and whatever it started, if that uses too much memory together."""
    watch = Watch(room.init)
    ended = os.pidfd_open(resident)
    while not select.select([ended], [], [], _LOOK)[0]:
        if watch.memory(memory) > memory:
            break
    room.empty()
    os.waitpid(resident, 0)
    os._exit(0)
