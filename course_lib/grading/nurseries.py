"""The process that all students' processes are forked from, as the process that grades a class has it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from course_lib.grading.processes.start_nursery import can_fork, existing, import_also, start_nursery
from course_lib.paths import data_dir

_USUAL = ("numpy", "pandas")  # what hardly a notebook does without
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Nursery:
    """The process that all students' processes are forked from, for at most ``jobs`` workers.

    Its imports take longer than finding out what is to be graded, so it is started before that is known. Use as a
    context manager: one that was not needed is gone at once. ``sandboxed``: sandboxes are kept ready beside it.
    """

    def __init__(self, jobs: int, *, sandboxed: bool = True) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.lines: list[socket.socket] = []
        self.needed = False
        if can_fork():
            env = {**os.environ, **worker_environment()}
            readable = existing(readable_folders()) if sandboxed else None
            self.lines, self.process = start_nursery(jobs, _USUAL, readable, env)

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
        from course_lib import mlflow_database  # not before the nursery is started, which this file is first for
        from course_lib.grading.kernels.identity import MLFLOW_STORES

        self.needed = True
        also = [name for name in modules if name not in _USUAL]
        if mlflow_database.used_by(also):
            also += MLFLOW_STORES
        import_also(self.process, also)
        for line in self.lines[workers:]:
            line.close()
        return list(self.lines[:workers])


def readable_folders() -> list[Path]:
    """What a student's process may read in its sandbox, besides Python and the system: the months."""
    return [data_dir()]


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processors(workers: int) -> list[int | None]:
    """Which processor each of so many workers stays on, with the processes that work for it: worker, judge and student
    take turns, so what one has just used is at hand for the other. Nothing where some processors would stay idle:
    then the system may know better which.
    """
    if not hasattr(os, "sched_getaffinity") or workers < cores():
        return [None] * workers
    there = sorted(os.sched_getaffinity(0))
    return [there[number % len(there)] for number in range(workers)]


def worker_environment() -> dict[str, str]:
    """One thread for each, and sets in the same order for everybody."""
    return {**dict.fromkeys(_THREADS, "1"), "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}
