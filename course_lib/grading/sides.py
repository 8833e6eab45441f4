"""The worker's view of a notebook's two processes: they may die or hang at any moment, and come back.

A student's process that ended or hung is replaced by a new one, in a fresh folder, in which the cells that went
well run again. A cell that ends Python twice in a row did it itself; ended once only, it was the machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.grading.channel import Channel, ChannelBroken, ChannelClosed, ChannelTimeout, Message
from course_lib.grading.limits import Limits
from course_lib.grading.literals import LiteralSide
from course_lib.grading.processes.judge import ENDED, HUNG, MAX_NOTICES
from course_lib.grading.processes.starter import JUDGE, STUDENT, CannotStart, MakeFolder, Process, Starter
from course_lib.grading.replaced import names_to_look_at

_GRACE = 2.0  # seconds for a judge to say that the student's process did not answer in time


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
                self.hear([str(answer.get("what"))[:200]])
        except ChannelTimeout as error:
            self.end()
            raise Gone(HUNG) from error
        except (ChannelClosed, ChannelBroken) as error:
            self.end()
            raise Gone(ENDED) from error

    def hear(self, notices: list[str]) -> None:
        """Keep what the process has told unasked."""
        self.notices += notices[: MAX_NOTICES - len(self.notices)]

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

    def probe(self, *, thorough: bool = True) -> list[str]:
        """Which parts of Python, IPython and the libraries are not what they were.

        Where points depend on it, all are looked at; else only what the code that ran could have replaced by its name.
        """
        if self.process is None:
            return []
        names = [None] if thorough else [names_to_look_at(source) for source, _ in self.ran]
        known = None if None in names else sorted(frozenset().union(*names))
        try:
            answer, _ = self.ask({"kind": "probe", "names": known}, b"", time.monotonic() + 20)
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
        self.met: Process | None = None  # the student's process that the judge talks to
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
        self.process, self.met = self.starter.take(JUDGE, EmptyFolder()), None
        for head, body in self.before:
            self._converse(head, body)

    def _converse(self, head: dict[str, Any], body: bytes) -> dict[str, Any]:
        assert self.process is not None
        channel = self.process.channel
        try:
            self._introduce(head)
            deadline = self.clock.deadline()
            channel.send(head | {"deadline": deadline}, body, deadline)
            reply, gone = self._listen(channel, deadline)
        except (ChannelTimeout, ChannelClosed, ChannelBroken) as error:
            self._lose_both()
            raise Gone(HUNG if isinstance(error, ChannelTimeout) else ENDED) from error
        if gone is not None:
            raise gone
        return reply

    def _introduce(self, head: dict[str, Any]) -> None:
        """Let the judge talk to the student's process itself, where ends of channels can be passed on."""
        if not (isinstance(self.student, StudentSide) and self.starter.forks and head["names"]):
            return
        self.student.be_ready()
        if self.student.process is not self.met:
            assert self.process is not None
            assert self.student.process is not None
            self.process.channel.send_end({"kind": "student"}, self.student.process.channel)
            self.met = self.student.process

    def _listen(self, channel: Channel, deadline: float) -> tuple[dict[str, Any], Gone | None]:
        """The judge's reply, and what became of the student's process; its questions are passed on until then."""
        gone = None
        while True:
            question, block = channel.receive(deadline + _GRACE)
            if question["kind"] in ("verdict", "done"):
                break
            answer: Message = ({"kind": "gone"}, b"")
            if gone is None:
                try:
                    self.student.be_ready()
                    answer = self.student.ask(question, block, deadline)
                except Gone as error:
                    gone = error
            channel.send(*answer, deadline + _GRACE)
        notices, how = question.pop("notices"), question.pop("gone")
        if isinstance(self.student, StudentSide):
            self.student.hear(notices)
        if how is not None:
            self.student.end()
            gone = Gone(how)
        return question, gone

    def _lose_both(self) -> None:
        """The judge's process is of no more use. A student's process may be in the middle of answering it."""
        self.end()
        if self.met is not None:
            self.student.end()

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
