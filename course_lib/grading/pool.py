"""Several grading workers at once, each in a process of its own, kept alive through whatever happens to them."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from course_lib.grading.nurseries import Nursery, processors
from course_lib.grading.worker import Setting
from course_lib.grading.worker_process import WorkerProcess

MAX_TRIES = 3

Order = tuple[str, Any]


class WorkerLost(Exception):
    """A worker ended in the middle of an order, every time it was tried."""


class Pool:
    """``jobs`` workers. Use as a context manager. ``more``: behind the answer just given, others have come already."""

    more = False

    def __init__(self, setting: Setting, jobs: int, nursery: Nursery) -> None:
        self.setting = setting
        self.workers: list[WorkerProcess] = []
        lines = nursery.take(jobs, setting.modules)
        for place, (line, processor) in enumerate(zip(lines, processors(jobs), strict=True)):
            others = [*(worker.channel for worker in self.workers), *(end for end in lines[place + 1 :] if end)]
            self.workers.append(WorkerProcess(setting, line, others, processor=processor))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.channel.close()  # all at once, and then wait for each
        for worker in self.workers:
            worker.end()

    def run(self, orders: Iterable[Order]) -> Iterator[tuple[Any, Any]]:
        """Have orders (kind, content) done, as many at once as there are workers; yields (content, answer) as they
        come. The answer is a WorkerLost where a worker was lost MAX_TRIES times.

        A content that is a function is called for it when its turn has come. To a deque of orders, more may be added
        meanwhile.
        """
        waiting = orders if isinstance(orders, deque) else deque(orders)
        again: deque[tuple[str, Any, int]] = deque()
        selector = selectors.DefaultSelector()
        busy: dict[int, tuple[WorkerProcess, tuple[str, Any, int]]] = {}
        try:
            while waiting or again or busy:
                self._hand_out(waiting, again, busy, selector)
                ready = [key.data for key, _ in selector.select()]
                done = []
                for number in ready:
                    worker, (kind, content, tries) = busy.pop(number)
                    selector.unregister(worker.channel.end)
                    if (answer := worker.answer()) is not None:
                        done.append((content, answer))
                    elif tries < MAX_TRIES:
                        again.append((kind, content, tries + 1))
                    else:
                        done.append((content, WorkerLost(f"the grading process ended {MAX_TRIES} times")))
                self._hand_out(waiting, again, busy, selector)  # whoever takes the answers may take his time
                for left, one in enumerate(done, 1 - len(done)):
                    self.more = left < 0
                    yield one
        finally:
            selector.close()

    def _hand_out(
        self,
        waiting: deque[Order],
        again: deque[tuple[str, Any, int]],
        busy: dict[int, Any],
        selector: selectors.BaseSelector,
    ) -> None:
        for worker in self.workers:
            if id(worker) in busy or not (waiting or again):
                continue
            kind, content, tries = again.popleft() if again else (*waiting.popleft(), 1)
            content = content() if callable(content) else content
            worker.give(kind, content, more=bool(waiting or again))
            busy[id(worker)] = (worker, (kind, content, tries))
            selector.register(worker.channel.end, selectors.EVENT_READ, id(worker))


__all__ = ["Pool", "WorkerLost"]
