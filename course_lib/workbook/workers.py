"""Work spread over processes, each job with its own, told apart from the death of the process that does it.

Notebook tools change their whole process (environment, working folder, event loop), so parallel means processes,
started afresh (never forked: the same on every system) and kept for the next job.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

# work(job, report): does one job; what it reports comes to the parent as it happens
Work = Callable[[Any, Callable[[Any], None]], Any]


@dataclass(frozen=True)
class Event:
    """Something about job number ``job``: ``kind`` is started, report, done, failed or lost.

    ``value`` is what was reported, the result, the error's text, or (lost) the last lines that the dead process
    wrote to stderr.
    """

    job: int
    kind: str
    value: Any = None


def spread(work: Work, jobs: Sequence[Any], processes: int) -> Iterator[Event]:
    """Do all jobs in up to ``processes`` processes; yield what happens, as it happens.

    ``work`` must be a function of a module. Each job ends in exactly one done, failed or lost; a lost job's
    process is replaced, so the others still run. Closing the iterator ends the processes.
    """
    waiting = deque(range(len(jobs)))
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.job is not None for worker in workers):
            while waiting and len(workers) < min(processes, len(jobs)):
                workers.append(_Worker(work))
            for worker in workers:
                if waiting and worker.job is None:
                    worker.give(waiting.popleft(), jobs)
                    yield Event(worker.job, "started")
            busy = {worker.connection: worker for worker in workers if worker.job is not None}
            for connection in wait(list(busy)):
                event = busy[connection].next_event()
                if event.kind == "lost":
                    workers.remove(busy[connection])
                    busy[connection].end()
                yield event
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """The parent's end of one process."""

    def __init__(self, work: Work) -> None:
        handle, log = tempfile.mkstemp(prefix="course-worker-", suffix=".log")
        os.close(handle)
        self.log = Path(log)
        context = multiprocessing.get_context("spawn")
        self.connection, far_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(far_end, work, log), daemon=True)
        self.process.start()
        far_end.close()
        self.job: int | None = None

    def give(self, number: int, jobs: Sequence[Any]) -> None:
        self.job = number
        with suppress(OSError):  # a process that died meanwhile is noticed as lost
            self.connection.send(jobs[number])

    def next_event(self) -> Event:
        number = self.job
        assert number is not None
        try:
            kind, value = self.connection.recv()
        except (EOFError, OSError):
            self.job = None
            return Event(number, "lost", self._last_words())
        if kind != "report":
            self.job = None
        return Event(number, kind, value)

    def end(self) -> None:
        """Let an idle process go, stop a busy one."""
        with suppress(OSError):
            self.connection.send(None)
        if self.job is not None:
            self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(10)
        self.connection.close()
        with suppress(OSError):
            self.log.unlink()

    def _last_words(self) -> str:
        with suppress(OSError):
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
        return ""


def _serve(connection: Connection, work: Work, log: str) -> None:
    """The process's life: take a job, do it, answer, until None comes or the parent is gone."""
    # told to stop, a job still ends its kernel and removes its folders
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with open(log, "a", encoding="utf-8", errors="replace") as words:
        # kernels inherit these; what they print is no part of the parent's output
        os.dup2(words.fileno(), 1)
        os.dup2(words.fileno(), 2)
        sys.stdout = sys.stderr = words
        with suppress(EOFError, OSError, KeyboardInterrupt):
            while (job := connection.recv()) is not None:
                words.truncate(0)
                connection.send(_do(work, job, connection))


def _do(work: Work, job: Any, connection: Connection) -> tuple[str, Any]:
    try:
        return "done", work(job, lambda value: connection.send(("report", value)))
    except Exception as error:  # whatever a job raises must reach the parent as words
        return "failed", f"{type(error).__name__}: {error}"
