"""The workers of a Dask cluster as grading sees them: who is there, who can grade, and what each has to do."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from course_lib.cluster_versions import cannot
from course_lib.grading import crew

if TYPE_CHECKING:
    from distributed import Client, Future

PREPARING, READY, REFUSED = "preparing", "ready", "refused"
#: What may come of an order in place of an answer, besides `crew.UNPREPARED` and `crew.ENDED`.
GONE, FAILED = "gone", "failed"
_BIG_ANSWER = 60.0  # seconds for an answer to come here once it is there
_STILL_COMING = 120.0  # seconds after which a worker that is getting ready is no hope any more
_FETCHERS = 4


@dataclass(eq=False)
class Member:
    """One worker. ``tickets`` are the orders it has, in the order in which it got them: the first ``threads`` of them
    in hand, the others waiting there."""

    address: str
    threads: int
    state: str = PREPARING
    refusal: str = ""
    since: float = field(default_factory=time.monotonic)
    tickets: list[Ticket] = field(default_factory=list)

    @property
    def load(self) -> float:
        return len(self.tickets) / self.threads

    @property
    def hopeful(self) -> bool:
        """Whether it grades, or may yet."""
        return self.state == READY or (self.state == PREPARING and time.monotonic() - self.since < _STILL_COMING)


@dataclass(eq=False)
class Ticket:
    """An order (kind, content, tries) on its way to a member; None is the order to get ready."""

    member: Member
    order: tuple[str, Any, int] | None
    future: Future


class Members:
    """Those of one client. ``heard`` has (ticket, what, value) of whatever has come to an end."""

    def __init__(self, client: Client, token: str, say: Callable[[str], None]) -> None:
        self.client, self.token, self.say = client, token, say
        self.by_address: dict[str, Member] = {}
        self.heard: queue.SimpleQueue[tuple[Ticket, str, Any]] = queue.SimpleQueue()
        self._fetchers = ThreadPoolExecutor(_FETCHERS, thread_name_prefix="fetching-grades")
        self._number = 0
        self._open: set[Ticket] = set()

    @property
    def ready(self) -> list[Member]:
        return [member for member in self.by_address.values() if member.state == READY]

    @property
    def refusals(self) -> list[str]:
        return [f"The worker {m.address} {m.refusal}" for m in self.by_address.values() if m.state == REFUSED]

    @property
    def tickets(self) -> list[Ticket]:
        """All orders that are on their way."""
        return [ticket for ticket in self._open if ticket.order is not None]

    def look(self, prepare: Callable[[Member], None]) -> None:
        """Take in who has come and who is gone: ``prepare`` is called for each that is new."""
        there = self._there()
        for address in self.by_address.keys() - there.keys():
            for ticket in self.by_address.pop(address).tickets:
                self.heard.put((ticket, GONE, None))
        for address in there.keys() - self.by_address.keys():
            self.by_address[address] = Member(address, there[address])
            prepare(self.by_address[address])

    def send(
        self, member: Member, order: tuple[str, Any, int] | None, function: Callable[..., Any], *given: Any
    ) -> None:
        """Have a member, and no other, call a function; what comes of it is heard."""
        ticket = Ticket(member, order, self._call(member, function, *given))
        self._open.add(ticket)
        if order is not None:
            member.tickets.append(ticket)
        ticket.future.add_done_callback(partial(self._done, ticket))

    def _call(self, member: Member, function: Callable[..., Any], *given: Any) -> Future:
        self._number += 1
        return self.client.submit(
            function,
            self.token,
            *given,
            key=f"{function.__name__}-grading-{self.token[:8]}-{self._number}",
            workers=[member.address],
            pure=False,
        )

    def close(self, ticket: Ticket) -> bool:
        """Forget an order, and let its member forget it if it has not begun; False where that was done before."""
        if ticket not in self._open:
            return False
        self._open.remove(ticket)
        if ticket in ticket.member.tickets:
            ticket.member.tickets.remove(ticket)
        ticket.future.release()
        return True

    def judge(self, member: Member, what: str, value: Any) -> None:
        """Take what a member answered when it was asked to get ready."""
        if self.by_address.get(member.address) is not member:
            return
        if what == GONE:  # should it still be there, it is asked anew
            del self.by_address[member.address]
            return
        member.refusal = cannot(value) if what == FAILED else str(value)
        member.state = REFUSED if member.refusal else READY
        if member.refusal:
            self.say(f"The worker {member.address} grades nothing: it {member.refusal}")

    def leave(self) -> None:
        """Take back what is under way, and have the members end what they started: nobody waits for that."""
        from distributed import fire_and_forget

        self._fetchers.shutdown(wait=False, cancel_futures=True)
        if self.client.status != "running":
            return
        for ticket in list(self._open):
            self.close(ticket)
        for member in self.by_address.values():
            if member.state != REFUSED:
                fire_and_forget(self._call(member, crew.end))

    def _there(self) -> dict[str, int]:
        """The threads of those that work for the scheduler now, by address."""
        if self.client.status != "running":
            return {}
        try:
            known = self.client.sync(self.client.scheduler.identity, n_workers=-1, callback_timeout=_BIG_ANSWER)
        except (OSError, TimeoutError):
            return {}
        return {address: max(1, worker["nthreads"]) for address, worker in known["workers"].items()}

    def _done(self, ticket: Ticket, _future: Future) -> None:
        if ticket in self._open:
            try:
                self._fetchers.submit(self._fetch, ticket)
            except RuntimeError:  # all is over
                return

    def _fetch(self, ticket: Ticket) -> None:
        status = ticket.future.status
        try:
            if status == "finished":
                self.heard.put((ticket, "", ticket.future.result(timeout=_BIG_ANSWER)))
            elif status == "error":
                self.heard.put((ticket, FAILED, ticket.future.exception(timeout=_BIG_ANSWER)))
            else:
                self.heard.put((ticket, GONE, None))
        except (Exception, asyncio.CancelledError):  # gone with its worker, before it could be fetched
            self.heard.put((ticket, GONE, None))
