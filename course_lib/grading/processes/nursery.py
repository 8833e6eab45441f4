"""A process that has imported what notebooks import, and forks: a child is ready in a few milliseconds.

It never sees a test or a solution, so there is none in the memory that a student's process inherits from it. One
nursery serves all grading workers, runs no threads and does nothing but fork, end and wait for children.

Started as ``python -m course_lib.grading.processes.nursery FD,FD… READABLE MODULE…``; each FD is its end of a pair of
sockets, READABLE a JSON list of folders that a student's process may read in its sandbox (empty: there are none).
What else to import comes as a line of JSON on its standard input, once that is known.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from course_lib.errors import CourseError
from course_lib.grading.channel import Channel
from course_lib.grading.sandbox.namespaces import become_subreaper, stay_on

if TYPE_CHECKING:
    from course_lib.grading.processes.porter import Porter
    from course_lib.grading.processes.room import Move
    from course_lib.grading.replaced import Untouched

_LARGEST_ORDER = 1 << 20

untouched: Untouched | None = None  # as processes are forked


def main(argv: list[str]) -> None:
    """Import, then serve orders until every worker is gone."""
    global untouched
    workers = [socket.socket(fileno=int(number)) for number in argv[0].split(",")]
    nursery = Nursery(workers)
    if argv[1]:
        nursery.hire_porter(json.loads(argv[1]))
    gc.disable()  # next to nothing of what imports make is garbage, and looking for it takes a while
    from course_lib.grading.processes import judge, shell, student  # noqa: F401 (children need them all)

    if sys.platform == "linux":
        from course_lib.grading.processes import room  # noqa: F401

    for name in chain(argv[2:], _named_later()):  # one by one: what is known can be imported before the rest is
        with suppress(Exception):  # what cannot be imported fails again in the student's own cell, and says why
            importlib.import_module(name)
    if nursery.porter is not None:
        nursery.porter.prepare()  # not before: imports, here and in the grading process, keep a small machine busy
    gc.freeze()  # IPython looks for garbage when a shell is made, whatever is said above
    untouched = _warm_up(shell.new_shell())
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)  # a notebook is short; what is left over goes with its process
    # pyarrow's allocator keeps a thread that is made for forking
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    for worker in workers:
        with suppress(OSError):
            worker.send(b"ready")
    nursery.serve()


def _named_later() -> Iterator[str]:
    yield from json.loads(sys.stdin.buffer.readline() or b"[]")


def _warm_up(shell: Any) -> Untouched:
    """Do once what every child would do first; returns how a process looks that no student has touched."""
    from course_lib.grading.processes.seeds import seed
    from course_lib.grading.processes.warmup import warm_up_libraries
    from course_lib.grading.replaced import Untouched

    seed()
    warm_up_libraries()
    return Untouched(shell)


class Nursery:
    """The workers that it serves, and the children of each."""

    def __init__(self, workers: Iterable[socket.socket]) -> None:
        self.children: dict[socket.socket, set[int]] = {worker: set() for worker in workers}
        self.porter: Porter | None = None

    def hire_porter(self, readable: Sequence[str]) -> None:
        """Have somebody keep rooms ready in which ``readable`` can be read."""
        from course_lib.grading.processes.porter import Porter

        if os.geteuid() != 0:
            become_subreaper()  # students' processes are sent in by others, who end at once
        self.porter = Porter.hire(readable, len(self.children), self.children)

    def serve(self) -> None:
        """Fork, or end, one child for each order; a worker that is gone takes its children along."""
        try:
            while self.children:
                for worker in select.select(list(self.children), [], [])[0]:
                    if not self.obey(worker):
                        for pid in self.children.pop(worker):
                            end(pid)
                        worker.close()
        finally:
            for pids in self.children.values():
                for pid in pids:
                    end(pid)

    def obey(self, worker: socket.socket) -> bool:
        """Do what one worker orders; False when it is gone."""
        try:
            data, fds, _flags, _address = socket.recv_fds(worker, _LARGEST_ORDER, 1)
            if not data:
                return False
            order = json.loads(data)
            if "end" in order:
                self.children[worker].discard(order["end"])
                end(order["end"])
                worker.send(b"ended")
                return True
            try:
                pid, move = self._fork(order)
            except (OSError, ValueError, CourseError) as error:
                os.close(fds[0])
                worker.send(json.dumps({"error": str(error)}).encode())
                return True
            if pid == 0:
                for other in (*self.children, self.porter):
                    if other is not None:
                        other.close()
                become(order, fds[0], move)
            os.close(fds[0])
            self.children[worker].add(pid)
            worker.send(json.dumps({"pid": pid}).encode())
        except OSError:
            return False
        return True

    def _fork(self, order: dict[str, Any]) -> tuple[int, Move | None]:
        if not order["sandboxed"]:
            return os.fork(), None
        from course_lib.grading.processes.room import fork_into_room

        if self.porter is None:
            self.hire_porter(order["readable"])
        assert self.porter is not None
        try:
            return fork_into_room(order, self.porter)
        except (ConnectionError, TimeoutError):
            self.porter.close()  # the next order finds a new one
            self.porter = None
            raise


def end(pid: int) -> None:
    """Kill a child with everything that it started in its session, and wait for it."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def become(order: dict[str, Any], fd: int, move: Move | None) -> NoReturn:
    """In a forked process: be what the order says, in a room if there is one to move into."""
    code = 1
    try:
        os.setsid()
        stay_on(order["processor"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if move is not None:
            channel = move.settle(fd)
        else:
            os.environ.update(order["env"])
            os.chdir(order["folder"])
            channel = Channel(socket.socket(fileno=fd))
        code = run(order, channel)
    finally:
        os._exit(code)


def run(order: dict[str, Any], channel: Channel) -> int:
    """Serve as judge or as student until the worker is done. Returns the exit code."""
    from course_lib.grading.processes import judge, student
    from course_lib.grading.processes.shell import Shell

    if order["role"] == "judge":
        judge.limit_memory(order["memory_megabytes"])
        judge.main(channel)
    else:
        student.main(channel, Shell.instance() if Shell.initialized() else None, untouched)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(sys.argv[1:])
    os._exit(0)  # nothing is left to be saved, and tearing the libraries down takes longer than all else at the end
