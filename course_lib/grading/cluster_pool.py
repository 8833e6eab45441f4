"""Grading by the workers of a Dask cluster, in place of the processes of a `Pool`: the same orders, the same answers.

Hand-ins travel as bytes and grades come back as bytes, so workers need no disk in common with this machine; they need
the same course, the same packages and, for a sandbox, Linux with bubblewrap. Each has one order in hand and one waiting
for every thread, so that it never waits for this machine, where one process writes the gradebook. A worker that comes
later gets its share; what a worker leaves undone is given to another.
"""

from __future__ import annotations

import pickle
import queue
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from course_lib.cluster import DIED, PATIENCE, ClusterLost
from course_lib.errors import CourseError
from course_lib.grading import crew, members
from course_lib.grading.members import Member, Members, Ticket
from course_lib.grading.parcel import pack
from course_lib.grading.pool import MAX_TRIES, Order, WorkerLost
from course_lib.grading.worker import Setting

if TYPE_CHECKING:
    from distributed import Client

_LOOK = 1.0  # seconds between two looks at who is there

Trying = tuple[str, Any, int]  # kind, content, and the how-manieth try


class ClusterPool:
    """Use as a context manager: entered, it has a worker that can grade. ``more`` is as in `Pool`.

    ``most`` hand-ins are graded at once (None: as many as there are threads); ``say`` hears of workers that can't.
    Raises CourseError where all refuse, ClusterLost where there has been nobody for ``patience`` seconds.
    """

    more = False

    def __init__(
        self,
        client: Client,
        setting: Setting,
        most: int | None = None,
        say: Callable[[str], None] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.setting, self.most, self.patience = setting, most, patience
        self.members = Members(client, uuid.uuid4().hex, say or (lambda _: None))
        self.lost: str | None = None
        self._parcel, self._wanted = b"", crew.versions()
        self._looked = 0.0
        self._good = time.monotonic()

    def __enter__(self) -> ClusterPool:
        self._parcel = pack(self.setting)
        try:
            while not self.members.ready:
                self._look()
                self._hear()
                if self.members.refusals and not any(m.hopeful for m in self.members.by_address.values()):
                    raise CourseError("\n".join(["No worker of the cluster can grade.", *self.members.refusals]))
                if self.lost:
                    raise ClusterLost(self.lost)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.members.leave()

    def run(self, orders: Iterable[Order]) -> Iterator[tuple[Any, Any]]:
        """Have orders done, as `Pool.run` does. Once the cluster is lost, the answer to all that is left is a
        WorkerLost that says so."""
        waiting = orders if isinstance(orders, deque) else deque(orders)
        again: deque[Trying] = deque()
        while waiting or again or self.members.tickets:
            self._look()
            if self.lost:
                again += [t.order for t in self.members.tickets if self.members.close(t) and t.order]
                left = [content for _, content, _ in again] + [content for _, content in waiting]
                again.clear()
                waiting.clear()
                self.more = False
                yield from ((c() if callable(c) else c, WorkerLost(self.lost)) for c in left)
                continue
            self._hand_out(waiting, again)
            done = list(self._answers(again))
            self._hand_out(waiting, again)  # whoever takes the answers may take his time
            for left, one in enumerate(done, 1 - len(done)):
                self.more = left < 0
                yield one

    def _look(self) -> None:
        """Now and then: see who is there, and whether there is still somebody who can grade."""
        now = time.monotonic()
        if self.lost or now - self._looked < _LOOK:
            return
        self.members.look(self._prepare)
        self._looked = now = time.monotonic()
        if any(member.hopeful for member in self.members.by_address.values()):
            self._good = now
        elif now - self._good >= self.patience:
            said = [f"the cluster has had no worker that grades for {self.patience:g} s; what is done stays done"]
            self.lost = ". ".join([*said, *self.members.refusals])

    def _prepare(self, member: Member) -> None:
        member.state, member.since = members.PREPARING, time.monotonic()
        self.members.send(member, None, crew.prepare, self._parcel, self._wanted, self.setting.sandboxed)

    def _hear(self) -> list[tuple[Ticket, str, Any]]:
        """What has come of orders; of those to get ready, nothing is left to tell. Waits a moment."""
        heard = []
        try:
            heard.append(self.members.heard.get(timeout=_LOOK / 4))
            while True:
                heard.append(self.members.heard.get_nowait())
        except queue.Empty:
            pass
        news = [one for one in heard if self.members.close(one[0])]
        for ticket, what, value in news:
            if ticket.order is None:
                self.members.judge(ticket.member, what, value)
        return [one for one in news if one[0].order is not None]

    def _answers(self, again: deque[Trying]) -> Iterator[tuple[Any, Any]]:
        """Each answered order's content with its answer; the others are put where they are tried again."""
        for ticket, what, value in self._hear():
            assert ticket.order is not None
            kind, content, tries = ticket.order
            if isinstance(value, bytes):
                yield content, pickle.loads(value)
            elif value == crew.UNPREPARED:
                self._prepare(ticket.member)
                again.append(ticket.order)
            elif tries < MAX_TRIES:
                again.append((kind, content, tries + 1))
            else:
                yield content, WorkerLost(_why(what, value))

    def _hand_out(self, waiting: deque[Order], again: deque[Trying]) -> None:
        """Give whoever has least to do the next order, until each has enough."""
        under_way = len(self.members.tickets)
        while (waiting or again) and (self.most is None or under_way < self.most):
            member = min(self.members.ready, key=lambda m: m.load, default=None)
            if member is None or member.load >= (2 if self.most is None else 1):
                return
            kind, content, tries = again.popleft() if again else (*waiting.popleft(), 1)
            self._give(member, (kind, content() if callable(content) else content, tries))
            under_way += 1
        if not waiting and not again:
            self._share()

    def _give(self, member: Member, order: Trying) -> None:
        self.members.send(member, order, crew.do, order[0], pickle.dumps(order[1]))

    def _share(self) -> None:
        """At the end: what waits behind something long is given to one who has nothing to do."""
        for idle in [member for member in self.members.ready if member.load < 1]:
            late = max(self.members.ready, key=lambda m: m.load)
            if late.load > 1:
                ticket = late.tickets[-1]
                assert ticket.order is not None
                self.members.close(ticket)
                self._give(idle, ticket.order)


def _why(what: str, value: Any) -> str:
    if value == crew.ENDED:
        return f"the grading process ended {MAX_TRIES} times"
    if what == members.FAILED:
        return f"a worker failed {MAX_TRIES} times: {type(value).__name__}: {value}"
    return DIED
