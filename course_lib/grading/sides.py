"""The worker's view of a notebook's two processes: they may die or hang at any moment, and come back.

A student's process that ended or hung is replaced by a new one, in a fresh folder, in which the cells that went
well run again. A cell that ends Python twice in a row did it itself; ended once only, it was the machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.grading.channel import ChannelBroken, ChannelClosed, ChannelTimeout, Message
from course_lib.grading.limits import Limits
from course_lib.grading.literals import LiteralSide
from course_lib.grading.processes.starter import JUDGE, STUDENT, CannotStart, MakeFolder, Process, Starter

MAX_NOTICES = 40
ENDED, HUNG = "ended", "hung"


class Gone(Exception):
    """The student's process ended (``how`` is ENDED), or had to be ended since it did not answer (HUNG)."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class NoTimeLeft(Exception):
    """The time for the whole notebook is used up."""


@dataclass
class Clock:
    """When the notebook must be done."""

    limits: Limits
    end: float

    @classmethod
    def start(cls, limits: Limits) -> Clock:
        return cls(limits, time.monotonic() + limits.notebook_seconds)

    def deadline(self) -> float:
        """The moment by which one cell must be done. Raises NoTimeLeft."""
        now = time.monotonic()
        if now >= self.end:
            raise NoTimeLeft
        return min(self.end, now + self.limits.cell_seconds)


class StudentSide:
    """The student's process, brought back with the cells that ran whenever it is needed and not there."""

    def __init__(self, starter: Starter, clock: Clock, make_folder: MakeFolder) -> None:
        self.starter, self.clock, self.make_folder = starter, clock, make_folder
        self.process: Process | None = None
        self.ran: list[tuple[str, str]] = []
        self.notices: list[str] = []

    def run(self, source: str, name: str) -> dict[str, Any]:
        """Run a cell: its reply, or ``{"status": ENDED or HUNG}`` when it takes the process down."""
        how = HUNG
        for _attempt in (1, 2):
            self.be_ready()
            try:
                reply, _ = self.ask({"kind": "run", "name": name}, source.encode(), self.clock.deadline())
            except Gone as gone:
                how = gone.how
                if how == HUNG:
                    break
                continue
            self.ran.append((source, name))
            return _reply(reply)
        return {"status": how, "outputs": []}

    def ask(self, head: dict[str, Any], body: bytes, deadline: float) -> Message:
        """One request and its answer. Raises Gone; the process is ended then."""
        assert self.process is not None
        channel = self.process.channel
        try:
            channel.send(head, body, deadline)
            while True:
                answer, block = channel.receive(deadline)
                if answer.get("kind") in ("answer", "callback"):
                    return answer, block
                if answer.get("kind") != "notice":
                    raise ChannelBroken("somebody else writes into the channel")
                if len(self.notices) < MAX_NOTICES:
                    self.notices.append(str(answer.get("what"))[:200])
        except ChannelTimeout as error:
            self.end()
            raise Gone(HUNG) from error
        except (ChannelClosed, ChannelBroken) as error:
            self.end()
            raise Gone(ENDED) from error

    def be_ready(self) -> None:
        """Start the process if there is none, and run again what ran before. Raises CannotStart, NoTimeLeft."""
        while self.process is None:
            self.clock.deadline()
            self.process = self.starter.take(STUDENT, self.make_folder)
            for number, (source, name) in enumerate(self.ran):
                try:
                    self.ask({"kind": "run", "name": name}, source.encode(), self.clock.deadline())
                except Gone:
                    del self.ran[number]  # went well once, and not now: without it, then
                    break

    def probe(self) -> list[str]:
        """Which parts of Python, IPython and the libraries are not what they were."""
        if self.process is None:
            return []
        try:
            answer, _ = self.ask({"kind": "probe"}, b"", time.monotonic() + 20)
        except Gone:
            return ["the connection to the grader"]
        changed = answer.get("changed")
        return [str(name)[:100] for name in changed[:20]] if isinstance(changed, list) else ["the grader's probe"]

    def end(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.end()
        self.process = None


def _reply(answer: dict[str, Any]) -> dict[str, Any]:
    """What came of a cell, with the fields that it must have, whoever wrote it."""
    outputs = answer.get("outputs")
    text = {name: str(answer.get(name, ""))[:2000] for name in ("ename", "evalue")}
    status = "ok" if answer.get("status") == "ok" else "error"
    return {"status": status, "outputs": outputs if isinstance(outputs, list) else [], **text}


class EmptyFolder:
    """Nothing is put into the judge's folder."""

    key = "empty"

    def __call__(self, folder: Path, seen_as: Path) -> dict[str, str]:  # noqa: ARG002 (as MakeFolder has it)
        return {}


class JudgeSide:
    """The judge's process. It is trusted, but a student's answer may be too much for it."""

    def __init__(self, starter: Starter, clock: Clock, student: StudentSide | LiteralSide) -> None:
        self.starter, self.clock, self.student = starter, clock, student
        self.process: Process | None = None
        self.before: list[tuple[dict[str, Any], bytes]] = []

    def do(self, head: dict[str, Any], cell: bytes) -> dict[str, Any]:
        """Run a plain cell or a test, passing on what it asks of the student. Raises Gone for either process."""
        self._be_ready()
        reply = self._converse(head, cell)
        self.before.append((head, cell))
        return reply

    def _be_ready(self) -> None:
        if self.process is not None:
            return
        self.process = self.starter.take(JUDGE, EmptyFolder())
        for head, body in self.before:
            self._converse(head, body)

    def _converse(self, head: dict[str, Any], body: bytes) -> dict[str, Any]:
        deadline, gone = self.clock.deadline(), None
        assert self.process is not None
        channel = self.process.channel
        try:
            channel.send(head, body, deadline)
            while True:
                question, block = channel.receive(deadline)
                if question["kind"] in ("verdict", "done"):
                    break
                answer: Message = ({"kind": "gone"}, b"")
                if gone is None:
                    try:
                        self.student.be_ready()
                        answer = self.student.ask(question, block, deadline)
                    except Gone as error:
                        gone = error
                channel.send(*answer, deadline)
        except ChannelTimeout as error:
            self.end()
            raise Gone(HUNG) from error
        except (ChannelClosed, ChannelBroken) as error:
            self.end()
            raise Gone(ENDED) from error
        if gone is not None:
            raise gone
        return question

    def end(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.end()
        self.process = None

    def leave(self) -> None:
        """The notebook is done; the process waits, and may serve the hand-in's next one."""
        if self.process is not None:
            self.starter.keep(self.process)
        self.process = None


__all__ = ["ENDED", "HUNG", "CannotStart", "Clock", "Gone", "JudgeSide", "NoTimeLeft", "StudentSide"]
