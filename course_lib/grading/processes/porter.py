"""Keeps empty sandboxes ready for students' processes, watches those that are lived in, and empties them.

The porter is a small process beside the nursery, forked before the libraries are imported: what bubblewrap is started
from, and what waits for each sandbox, is then a few megabytes and not all of pandas. It never sees a notebook. The
nursery asks it for a room, forks the student's process into that room, and says so. When that process has ended, or all
that run there use too much memory together, the room is emptied; when the porter or the nursery ends, all of them are.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.grading.sandbox import inside, namespaces
from course_lib.grading.sandbox.bubblewrap import Opening, Room, begin_room, python_folders
from course_lib.grading.sandbox.policy import SandboxFailed
from course_lib.grading.sandbox.watch import Watch

NAME = "grading-porter"  # what `ps` and `top` call it
_LOOK = 0.1  # seconds between looks at the memory
_LARGEST = 1 << 16
_PATIENCE = 60.0  # seconds for a room

Readable = tuple[str, ...]


@dataclass(frozen=True)
class Lodging:
    """An empty room: its first process, and the user that it is made for."""

    init: int
    uid: int


class Porter:
    """The porter as the nursery sees it."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.end.settimeout(_PATIENCE)

    @classmethod
    def hire(cls, readable: Sequence[str], number: int, others: Iterable[socket.socket]) -> Porter:
        """Fork one that has ``number`` rooms ready in which ``readable`` can be read. ``others`` are not for it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            try:
                for other in (ours, *others):
                    other.close()
                nothing = os.open(os.devnull, os.O_RDWR)
                os.dup2(nothing, 0)
                namespaces.name_process(NAME)
                _House(theirs, number).run(tuple(readable))
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(0)
        theirs.close()
        return cls(ours)

    def room(self, readable: Sequence[str]) -> Lodging:
        """A room of one's own. Raises SandboxFailed where there is none, and OSError where the porter is gone."""
        self.end.send(json.dumps({"readable": list(readable)}).encode())
        answer = json.loads(self.end.recv(_LARGEST) or b"{}")
        if not answer:
            raise ConnectionResetError("the process that looks after the sandboxes has ended")
        if "error" in answer:
            raise SandboxFailed(answer["error"])
        return Lodging(**answer)

    def prepare(self) -> None:
        """Soon there will be somebody who needs a room."""
        self.end.send(b"{}")

    def moved_in(self, lodging: Lodging, resident: int, memory: int) -> None:
        """Somebody lives there, and all in the room may use so many bytes together."""
        process = os.pidfd_open(resident)
        try:
            socket.send_fds(self.end, [json.dumps({"init": lodging.init, "memory": memory}).encode()], [process])
        finally:
            os.close(process)

    def not_used(self, lodging: Lodging) -> None:
        """Nobody will live there."""
        self.end.send(json.dumps({"init": lodging.init}).encode())

    def close(self) -> None:
        """Let it go: it empties all rooms."""
        self.end.close()


@dataclass
class _Tenancy:
    """A room that somebody lives in."""

    room: Room
    resident: int  # descriptor of the process
    memory: int
    watch: Watch


class _House:
    """All rooms, in the porter's process."""

    def __init__(self, end: socket.socket, number: int) -> None:
        self.end, self.number = end, number
        self.selector = selectors.DefaultSelector()
        self.ready: dict[Readable, deque[Room]] = {}
        self.openings: dict[Opening, Readable] = {}
        self.wanted: Readable | None = None  # what the nursery waits for
        self.given: dict[int, Room] = {}
        self.lived_in: dict[int, _Tenancy] = {}
        self.ending: list[Room] = []
        self.more = True

    def run(self, readable: Readable) -> None:
        """Serve until the nursery is gone. Rooms with ``readable`` in them are kept ready, once one is needed."""
        self.ready[readable] = deque()
        self._register(self.end, self._hear)
        try:
            while self.more:
                for key, _ in self.selector.select(_LOOK if self.lived_in or self.ending else None):
                    key.data()
                self._look()
        finally:
            self._close()

    def _hear(self) -> None:
        data, descriptors, _flags, _address = socket.recv_fds(self.end, _LARGEST, 1)
        if not data:
            self.more = False
            return
        said = json.loads(data)
        if "readable" in said:
            self._want(tuple(said["readable"]))
        elif descriptors:
            self._move_in(said["init"], said["memory"], descriptors[0])
        elif "init" in said:
            self._end(self.given.pop(said["init"]))
        else:
            for usual in self.ready:
                self._stock(usual)

    def _want(self, readable: Readable) -> None:
        if rooms := self.ready.get(readable):
            self._give(rooms.popleft())
        else:
            self.wanted = readable
            if readable not in self.openings.values():
                self._open(readable)
        self._stock(readable)

    def _give(self, room: Room) -> None:
        self.given[room.init] = room
        self._answer({"init": room.init, "uid": room.uid})

    def _answer(self, answer: dict) -> None:
        self.wanted = None
        with suppress(OSError):  # the nursery is gone, which the next look finds out
            self.end.send(json.dumps(answer).encode())

    def _stock(self, readable: Readable) -> None:
        """Begin as many rooms as are missing. Where one can't be made, whoever asks for one hears why."""
        if readable not in self.ready:
            return
        missing = self.number - len(self.ready[readable]) - list(self.openings.values()).count(readable)
        for _ in range(missing):
            if not self._open(readable):
                return

    def _open(self, readable: Readable) -> bool:
        try:
            if os.geteuid() == 0 and (hidden := inside.unreadable([*python_folders(), *map(Path, readable)])):
                raise SandboxFailed(f"a student's process may not read {hidden}: `chmod -R o+rX {hidden}` lets it")
            opening = begin_room([Path(path) for path in readable], None, lambda n: inside.Identity.choose(n).uid)
        except (CourseError, OSError) as error:
            self._fail(readable, error)
            return False
        self.openings[opening] = readable
        self._register(opening, lambda: self._furnished(opening))
        return True

    def _furnished(self, opening: Opening) -> None:
        self.selector.unregister(opening)
        readable = self.openings.pop(opening)
        try:
            room = opening.furnished()
        except (CourseError, OSError, ValueError) as error:
            self._fail(readable, error)
            return
        if self.wanted == readable:
            self._give(room)
            self._stock(readable)
        elif readable in self.ready:
            self.ready[readable].append(room)
        else:
            self._end(room)

    def _fail(self, readable: Readable, error: Exception) -> None:
        if self.wanted == readable:
            self._answer({"error": str(error)})

    def _move_in(self, init: int, memory: int, resident: int) -> None:
        room = self.given.pop(init)
        try:
            tenancy = _Tenancy(room, resident, memory, Watch(init))
        except OSError:  # all in it have ended already
            os.close(resident)
            self._end(room)
            return
        self.lived_in[init] = tenancy
        self._register(resident, lambda: self._move_out(tenancy))

    def _move_out(self, tenancy: _Tenancy) -> None:
        self.selector.unregister(tenancy.resident)
        del self.lived_in[tenancy.room.init]
        os.close(tenancy.resident)
        tenancy.watch.close()
        self._end(tenancy.room)

    def _look(self) -> None:
        """End what uses too much memory: the resident ends with all others, and then the room is emptied."""
        for tenancy in self.lived_in.values():
            if tenancy.watch.memory(tenancy.memory) > tenancy.memory:
                tenancy.room.end()
        self.ending = [room for room in self.ending if not room.is_empty()]

    def _end(self, room: Room) -> None:
        room.end()
        self.ending.append(room)

    def _register(self, what: socket.socket | Opening | int, act: Callable[[], None]) -> None:
        self.selector.register(what, selectors.EVENT_READ, act)

    def _close(self) -> None:
        for opening in self.openings:
            opening.give_up()
        lived_in = [tenancy.room for tenancy in self.lived_in.values()]
        rooms = [*self.given.values(), *lived_in, *self.ending, *(r for rooms in self.ready.values() for r in rooms)]
        for room in rooms:
            room.end()
        for room in rooms:
            room.empty()
