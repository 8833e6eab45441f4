"""Several grading workers at once, each in a process of its own, kept alive through whatever happens to them."""

from __future__ import annotations

import os
import pickle
import selectors
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from course_lib.grading.channel import ChannelBroken, ChannelClosed, pair
from course_lib.grading.processes.starter import can_fork, import_also, start_nursery
from course_lib.grading.worker import Setting

MAX_TRIES = 3
_USUAL = ("numpy", "pandas")  # what hardly a notebook does without
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class WorkerLost(Exception):
    """A worker ended in the middle of an order, every time it was tried."""


class Nursery:
    """The process that all students' processes are forked from, for at most ``jobs`` workers.

    Its imports take longer than finding out what is to be graded, so it is started before that is known. Use as a
    context manager: one that was not needed is gone at once.
    """

    def __init__(self, jobs: int) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.lines: list[socket.socket] = []
        self.needed = False
        if can_fork():
            env = {**os.environ, **_worker_environment()}
            self.lines, self.process = start_nursery(jobs, _USUAL, env)

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self.lines:
            line.close()
        if self.process is not None:
            if not self.needed:
                self.process.kill()
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()

    def take(self, workers: int, modules: Iterable[str]) -> list[socket.socket | None]:
        """Have it import these as well; returns a connection for each worker (None where processes aren't forked)."""
        if self.process is None:
            return [None] * workers
        self.needed = True
        import_also(self.process, [name for name in modules if name not in _USUAL])
        for line in self.lines[workers:]:
            line.close()
        return list(self.lines[:workers])


class Pool:
    """``jobs`` workers. Use as a context manager."""

    def __init__(self, setting: Setting, jobs: int, nursery: Nursery) -> None:
        self.setting = setting
        self.workers = [_Worker(setting, line) for line in nursery.take(jobs, setting.modules)]

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.channel.close()  # all at once, and then wait for each
        for worker in self.workers:
            worker.end()

    def run(self, orders: Iterable[tuple[str, Any]]) -> Iterator[tuple[Any, Any]]:
        """Have orders (kind, content) done, as many at once as there are workers; yields (content, answer) as they
        come. The answer is a WorkerLost where a worker was lost MAX_TRIES times."""
        waiting = deque((kind, content, 1) for kind, content in orders)
        selector = selectors.DefaultSelector()
        busy: dict[int, tuple[_Worker, tuple[str, Any, int]]] = {}
        try:
            while waiting or busy:
                self._hand_out(waiting, busy, selector)
                ready = [key.data for key, _ in selector.select()]
                done = []
                for number in ready:
                    worker, order = busy.pop(number)
                    selector.unregister(worker.channel.end)
                    if (answer := worker.answer()) is not None:
                        done.append((order[1], answer))
                    elif order[2] < MAX_TRIES:
                        waiting.append((order[0], order[1], order[2] + 1))
                    else:
                        done.append((order[1], WorkerLost(f"the grading process ended {MAX_TRIES} times")))
                self._hand_out(waiting, busy, selector)  # whoever takes the answers may take his time
                yield from done
        finally:
            selector.close()

    def _hand_out(self, waiting: deque[Any], busy: dict[int, Any], selector: selectors.BaseSelector) -> None:
        for worker in self.workers:
            if waiting and id(worker) not in busy:
                order = waiting.popleft()
                worker.give(order[0], order[1], more=bool(waiting))
                busy[id(worker)] = (worker, order)
                selector.register(worker.channel.end, selectors.EVENT_READ, id(worker))


class _Worker:
    def __init__(self, setting: Setting, nursery: socket.socket | None) -> None:
        self.setting = setting
        self.start(nursery)

    def start(self, nursery: socket.socket | None = None) -> None:
        """Start the process, with a connection to the shared nursery; a replacement has a nursery of its own."""
        self.channel, theirs = pair()
        env = {**os.environ, **_worker_environment()}
        command = [sys.executable, "-m", "course_lib.grading.worker"]
        if os.name == "nt":
            self.process = subprocess.Popen([*command, "-"], stdin=subprocess.PIPE, env=env)
            assert self.process.stdin is not None
            self.process.stdin.write(theirs.end.share(self.process.pid).hex().encode() + b"\n")
            self.process.stdin.close()
        else:
            numbers = [end.fileno() for end in (theirs.end, nursery) if end is not None]
            self.process = subprocess.Popen(
                [*command, *map(str, numbers)], stdin=subprocess.DEVNULL, pass_fds=numbers, env=env
            )
        theirs.close()
        if nursery is not None:
            nursery.close()
        first = {name: getattr(self.setting, name) for name in ("modules", "limits", "sandboxed")}
        self.channel.send({"kind": "start"}, pickle.dumps(first))
        self.channel.send({"kind": "setting"}, pickle.dumps(self.setting))

    def give(self, kind: str, content: Any, *, more: bool = True) -> None:
        """Give it an order; a worker that has died meanwhile is replaced first. ``more``: others wait for theirs."""
        head, body = {"kind": kind, "more": more}, pickle.dumps(content)
        try:
            self.channel.send(head, body)
        except ChannelClosed:
            self.restart()
            self.channel.send(head, body)

    def answer(self) -> Any:
        """What it answers; None when it has died, and then there is a new one in its place."""
        try:
            return pickle.loads(self.channel.receive()[1])
        except (ChannelClosed, ChannelBroken):
            self.restart()
            return None

    def restart(self) -> None:
        self.end()
        self.start()

    def end(self) -> None:
        self.channel.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _worker_environment() -> dict[str, str]:
    """One thread for each, and sets in the same order for everybody."""
    return {**dict.fromkeys(_THREADS, "1"), "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usual_jobs() -> int:
    """How many workers keep all processors busy: each waits now and then, when student and judge take turns."""
    return cores() + (cores() + 1) // 2


__all__ = ["Nursery", "Pool", "WorkerLost", "cores", "usual_jobs"]
