"""An end to waiting: what takes too long is given up, as far as Python can give up anything.

A thread can't be stopped from outside in Python. So there are three steps. Whoever waits is answered in time, whatever
the thread does. The thread asks between two pieces of its work whether anybody still waits (:func:`go_on`), and
stops by itself. And one that never asks, because it hangs in a single call, is left behind and another takes its
place; when too many hang, the process ends, and its parent starts a new one: nothing else gives threads back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from course_lib.errors import CourseError

ANSWER_SECONDS = 30.0
_THREADS, _MOST_LOST = 4, 8
_GRACE = 0.5  # the thread gives up after its caller was told, not before
_here = threading.local()
_log = logging.getLogger(__name__)
T = TypeVar("T")


class TookTooLong(CourseError):
    """The work was given up: nobody waits for it any more."""


def go_on() -> None:
    """To be called between pieces of long work. Raises TookTooLong when nobody waits for its result any more."""
    if time.monotonic() > getattr(_here, "deadline", float("inf")):
        raise TookTooLong("nobody waits for this answer any more")


def within(seconds: float, work: Callable[[], T], what: str) -> T:
    """What ``work`` returns or raises; TookTooLong (naming ``what``) when it takes longer, and goes on in vain."""
    outcome: Future[T] = Future()

    def run() -> None:
        _here.deadline = time.monotonic() + seconds
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        if outcome.done():  # its own
            raise
        raise TookTooLong(f"{what} took longer than {seconds:g} s") from None


class Patience:
    """A few threads for an event loop. ``seconds`` are counted from the request, its wait for a free thread included.

    ``lost`` counts threads that hang just now. At ``most_lost`` of them ``end`` is called: it ends this process.
    """

    def __init__(
        self,
        seconds: float = ANSWER_SECONDS,
        *,
        threads: int = _THREADS,
        most_lost: int = _MOST_LOST,
        end: Callable[[], Any] = lambda: os._exit(1),
    ) -> None:
        self.seconds, self.threads, self.most_lost, self.end = seconds, threads, most_lost, end
        self.lost = 0
        self._counting = threading.Lock()
        self._pool = self._new_pool()

    async def result(self, work: Callable[..., T], *given: Any) -> T:
        """What ``work(*given)`` returns, in a thread. Raises TimeoutError, whoever notices, and what it raises."""
        deadline = time.monotonic() + self.seconds + _GRACE

        def run() -> T:
            _here.deadline = deadline
            return work(*given)

        future = self._pool.submit(run)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.seconds)
        except TimeoutError:
            if not future.cancelled() and not future.done():  # it has begun, so it can't be called off
                self._leave_behind(future)
            raise
        except TookTooLong as error:  # the loop was busy when the time was up, and the thread noticed before it
            raise TimeoutError(str(error)) from error

    def _leave_behind(self, future: Future) -> None:
        """Others get new threads; those that wait are still answered by the old ones that don't hang."""
        with self._counting:
            self.lost += 1
        future.add_done_callback(self._came_back)
        _log.warning("a request is not answered within %g s; %d hang", self.seconds, self.lost)
        old, self._pool = self._pool, self._new_pool()
        old.shutdown(wait=False)
        if self.lost >= self.most_lost:
            _log.error("%d requests hang: this process ends, another takes its place", self.lost)
            self.end()

    def _came_back(self, _future: Future) -> None:
        with self._counting:
            self.lost -= 1

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="answer")
