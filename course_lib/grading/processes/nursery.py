"""A process that has imported what notebooks import, and forks: a child is ready in a few milliseconds.

It never sees a test or a solution, so there is none in the memory that a student's process inherits from it. One
nursery serves all grading workers, runs no threads and does nothing but fork, end and wait for children.

Started as ``python -m course_lib.grading.processes.nursery FD,FD… MODULE…``; each FD is its end of a pair of sockets.
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
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from course_lib.grading.channel import Channel

_LARGEST_ORDER = 1 << 20

baseline: dict[str, dict[str, int]] = {}  # filled before the first fork


def main(argv: list[str]) -> None:
    """Import, then serve orders until every worker is gone."""
    from course_lib.grading.processes import judge, shell, student  # noqa: F401 (children need them all)

    if sys.platform == "linux":
        from course_lib.grading.processes import room  # noqa: F401

    workers = [socket.socket(fileno=int(number)) for number in argv[0].split(",")]
    gc.disable()  # next to nothing of what imports make is garbage, and looking for it takes a while
    for name in (*argv[1:], *_named_later()):
        with suppress(Exception):  # what cannot be imported fails again in the student's own cell, and says why
            importlib.import_module(name)
    gc.freeze()  # IPython looks for garbage when a shell is made, whatever is said above
    baseline.update(_warm_up(shell.new_shell()))
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)  # a notebook is short; what is left over goes with its process
    # pyarrow's allocator keeps a thread that is made for forking
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    for worker in workers:
        with suppress(OSError):
            worker.send(b"ready")
    serve(workers)


def _named_later() -> Iterator[str]:
    yield from json.loads(sys.stdin.buffer.readline() or b"[]")


def _warm_up(shell: Any) -> dict[str, dict[str, int]]:
    """Do once what every child would do first; returns how a process looks that no student has touched."""
    from course_lib.grading import integrity
    from course_lib.grading.processes.seeds import seed
    from course_lib.grading.processes.warmup import warm_up_libraries

    seed()
    warm_up_libraries()
    return integrity.snapshot(shell)


def serve(workers: list[socket.socket]) -> None:
    """Fork, or end, one child for each order; a worker that is gone takes its children along."""
    children: dict[socket.socket, set[int]] = {worker: set() for worker in workers}
    try:
        while children:
            for worker in select.select(list(children), [], [])[0]:
                if not obey(worker, children):
                    for pid in children.pop(worker):
                        end(pid)
                    worker.close()
    finally:
        for pids in children.values():
            for pid in pids:
                end(pid)


def obey(worker: socket.socket, children: dict[socket.socket, set[int]]) -> bool:
    """Do what one worker orders; False when it is gone."""
    try:
        data, fds, _flags, _address = socket.recv_fds(worker, _LARGEST_ORDER, 1)
        if not data:
            return False
        order = json.loads(data)
        if "end" in order:
            children[worker].discard(order["end"])
            end(order["end"])
            worker.send(b"ended")
            return True
        try:
            pid = os.fork()
        except OSError as error:
            os.close(fds[0])
            worker.send(json.dumps({"error": str(error)}).encode())
            return True
        if pid == 0:
            for other in children:
                other.close()
            become(order, fds[0])
        os.close(fds[0])
        children[worker].add(pid)
        worker.send(json.dumps({"pid": pid}).encode())
    except OSError:
        return False
    return True


def end(pid: int) -> None:
    """Kill a child with everything that it started in its session, and wait for it."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def become(order: dict[str, Any], fd: int) -> None:
    """In a forked process: be what the order says, and never return."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if order["sandboxed"]:
            from course_lib.grading.processes import room

            channel = room.enter(order, fd)
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
        student.main(channel, Shell.instance() if Shell.initialized() else None, baseline)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(sys.argv[1:])
    os._exit(0)  # nothing is left to be saved, and tearing the libraries down takes longer than all else at the end
