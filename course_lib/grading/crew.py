"""On a worker of a Dask cluster: the processes that grade there, for one run over a class.

They are the same that grade on the instructor's machine: students' code never runs in Dask's own process, nor in any
that holds a test. A crew that is asked for nothing for a while ends by itself, should the instructor's machine be gone.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from course_lib.cluster_versions import differences
from course_lib.grading.nurseries import Nursery
from course_lib.grading.parcel import unpack
from course_lib.grading.records import own_code, packages
from course_lib.grading.worker_process import WorkerProcess

IDLE = 300.0  # seconds
#: What comes in place of an answer: there is no crew (any more), or its process ended in the middle.
UNPREPARED, ENDED = "unprepared", "ended"

_crews: dict[str, Crew] = {}
_lock = threading.Lock()


class Crew:
    """As many grading processes as the worker has threads, started when they are needed first."""

    def __init__(self, parcel: bytes, size: int) -> None:
        self.home = tempfile.TemporaryDirectory(prefix="grading-release-", ignore_cleanup_errors=True)
        self.setting = unpack(parcel, Path(self.home.name))
        self.nursery = Nursery(size, sandboxed=self.setting.sandboxed)
        self.lines = self.nursery.take(size, self.setting.modules)
        self.free: list[WorkerProcess] = []
        self.busy = 0
        self.ended = False
        self.lock = threading.Lock()
        self.timer: threading.Timer | None = None

    def do(self, kind: str, body: bytes) -> bytes | None:
        """One order, and its answer; None where the process ended in the middle, or the crew."""
        if (process := self._take()) is None:
            return None
        try:
            process.give_packed(kind, body)
            return process.answer_packed()
        finally:
            self._put_back(process)

    def idle_after(self, seconds: float, token: str) -> None:
        """End in so many seconds, unless there is something to do before."""
        with self.lock:
            if not self.busy and not self.ended:
                self._stop_timer()
                self.timer = threading.Timer(seconds, end, [token])
                self.timer.daemon = True
                self.timer.start()

    def end(self) -> None:
        """End all that has nothing to do; what is at work ends when it is done."""
        with self.lock:
            self.ended, free, self.free = True, self.free, []
            last = not self.busy
            self._stop_timer()
        for process in free:
            process.end()
        if last:
            self._leave()

    def _take(self) -> WorkerProcess | None:
        with self.lock:
            if self.ended:
                return None
            self._stop_timer()
            self.busy += 1
            if self.free:
                return self.free.pop()
            line = self.lines.pop() if self.lines else None
        try:
            return WorkerProcess(self.setting, line)
        except BaseException:
            with self.lock:
                self.busy -= 1
            raise

    def _put_back(self, process: WorkerProcess) -> None:
        with self.lock:
            self.busy -= 1
            ended, last = self.ended, not self.busy
            if not ended:
                self.free.append(process)
        if ended:
            process.end()
            if last:
                self._leave()

    def _leave(self) -> None:
        self.nursery.__exit__()
        self.home.cleanup()

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None


def versions() -> dict[str, str]:
    """What grades depend on here: Python, every package, and this package's own code (see `records.grading_key`)."""
    installed = dict(name.removesuffix(".dist-info").rsplit("-", 1) for name in packages())
    return {"Python": sys.version, "machine": platform.machine(), "course_lib": own_code(), **installed}


def prepare(token: str, parcel: bytes, wanted: Mapping[str, str], sandboxed: bool) -> str:
    """Make a crew ready. Returns why this worker can't grade, in words that follow its name; nothing where it can."""
    from distributed import get_worker

    if told := differences(wanted, versions()):
        return f"has {told}"
    if sandboxed and (problem := _no_sandbox()):
        return f"has no sandbox: {problem} (`course grade --unsafe` grades without one.)"
    with _lock:
        if token not in _crews:
            _crews[token] = Crew(parcel, get_worker().state.nthreads)
        crew = _crews[token]
    crew.idle_after(IDLE, token)
    return ""


def do(token: str, kind: str, body: bytes) -> bytes | str:
    """What an order comes to, as it is to be unpickled; or UNPREPARED, or ENDED."""
    crew = _crews.get(token)
    if crew is None or crew.ended:
        return UNPREPARED
    answer = crew.do(kind, body)
    crew.idle_after(IDLE, token)
    if answer is not None:
        return answer
    return UNPREPARED if crew.ended else ENDED


def end(token: str) -> None:
    """The class is done: end what was started for it. What is at work ends when that is done."""
    with _lock:
        crew = _crews.pop(token, None)
    if crew is not None:
        crew.end()


def _no_sandbox() -> str | None:
    from course_lib.grading.sandbox import probe

    return probe.probe().problem
