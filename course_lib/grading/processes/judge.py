"""The process in which the tests run. It never runs a line of the student's.

It runs the instructor's own cells and the tests, in one namespace, as a notebook would. The names that students
are to define come from the student's process, fresh for each test: data as data, functions as `proxies`. How a
test ended is read from the exception or the value of its last expression, here, where nobody can forge it.

The worker introduces the student's process, and the two talk directly; where it does not, it passes on what the judge
asks. What the student's process sends is never more than data, and ends by a deadline.
"""

from __future__ import annotations

import io
import linecache
import socket
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from course_lib.grading.channel import (
    Channel,
    ChannelBroken,
    ChannelClosed,
    ChannelTimeout,
    Message,
    TakingChannel,
)
from course_lib.grading.processes import proxies
from course_lib.grading.processes.cells import credit, run, unpacked
from course_lib.grading.processes.describe import safe_text
from course_lib.grading.processes.recorder import MAX_OUTPUT
from course_lib.grading.processes.seeds import seed

MAX_HINT = 1500
MAX_NOTICES = 40
ENDED, HUNG = "ended", "hung"  # what can become of the student's process
_NO_HINT = "A hidden test failed; it gives no hint."


def main(channel: Channel) -> None:
    """Serve requests until the other end is closed."""
    if hasattr(socket, "recv_fds"):
        channel = TakingChannel(channel.end)
    _show_nothing()
    judge = Judge(channel)
    seed()
    channel.send({"kind": "ready"})
    while True:
        try:
            head, body = channel.receive()
        except ChannelClosed:
            return
        if head["kind"] == "reset":
            judge.meet(None)
            judge = Judge(channel)
            seed()
        elif head["kind"] == "student":
            judge.meet(channel.taken)
        else:
            channel.send(judge.do(head, body))


class Judge:
    """One notebook's tests and the instructor's cells between them. The next notebook of a hand-in has its own."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self.student: Channel | None = None
        self.gone: str | None = None
        self.notices: list[str] = []
        self.deadline: float | None = None

    def meet(self, student: Channel | None) -> None:
        """Talk to this process from now on."""
        if self.student is not None:
            self.student.close()
        self.student = student

    def do(self, head: dict[str, Any], body: bytes) -> dict[str, Any]:
        """Run a plain cell or a test: the reply, with what became of the student's process meanwhile."""
        self.gone, self.notices, self.deadline = None, [], head.get("deadline")
        if head["kind"] == "plain":
            self.run_plain(body, head)
            reply = {"kind": "done"}
        else:
            reply = {"kind": "verdict", **self.run_test(body, head)}
        return reply | {"gone": self.gone, "notices": self.notices}

    def exchange(self, head: dict[str, Any], body: bytes) -> Message:
        """Ask the student's process something."""
        if self.gone is not None:
            return {"kind": "gone"}, b""
        if self.student is None:
            self.channel.send(head, body)
            return self.channel.receive()
        try:
            return self._ask(self.student, head, body)
        except ChannelTimeout:
            self.gone = HUNG
        except (ChannelClosed, ChannelBroken):
            self.gone = ENDED
        self.meet(None)
        return {"kind": "gone"}, b""

    def _ask(self, student: Channel, head: dict[str, Any], body: bytes) -> Message:
        student.send(head, body, self.deadline)
        while True:
            answer, block = student.receive(self.deadline)
            if answer.get("kind") in ("answer", "callback"):
                return answer, block
            if answer.get("kind") != "notice":
                raise ChannelBroken("somebody else writes into the channel")
            if len(self.notices) < MAX_NOTICES:
                self.notices.append(str(answer.get("what"))[:200])

    def run_plain(self, body: bytes, head: dict[str, Any]) -> None:
        """Run one of the instructor's own cells; what it shows and whether it fails does not matter here."""
        self._fetch(head)
        try:
            with redirect_stdout(_Output()), redirect_stderr(_Output()):
                run(unpacked(body, head["file"])[0], self.namespace)
        except Exception:  # a cell that shows the student's work may well fail on it
            return

    def run_test(self, body: bytes, head: dict[str, Any]) -> dict[str, Any]:
        """Run one test: ``status`` ok or error, what it printed, and ``value``, the credit it gives (None: all)."""
        name, output = head["file"], _Output()
        try:
            code, source = unpacked(body, name)
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
            self._fetch(head)
            with redirect_stdout(output), redirect_stderr(_Output()):
                value = run(code, self.namespace)
            return {"status": "ok", "printed": output.getvalue(), **credit(value)}
        except ChannelClosed:
            raise
        except BaseException as error:
            hidden = {int(number) for number in head["hidden"]}
            return {"status": "error", "printed": output.getvalue(), **explain(error, name, hidden)}

    def _fetch(self, head: dict[str, Any]) -> None:
        """Take the student's names as they are now; a name that is not there any more is gone here, too."""
        answer, body = self.exchange({"kind": "fetch", "names": head["names"]}, b"") if head["names"] else ({}, b"")
        for name in head["names"]:
            self.namespace.pop(name, None)
        start = 0
        for name, size in answer.get("sizes", []):
            if name in head["names"]:
                message = body[start : start + int(size)]
                value = proxies.revive(name, message, self.exchange, set(head["modules"]))
                self.namespace[name] = value
            start += int(size)


def explain(error: BaseException, name: str, hidden: set[int]) -> dict[str, Any]:
    """What a student may read about a failed test: its message, never a hidden line of it."""
    frames = [(f, n) for f, n in traceback.walk_tb(error.__traceback__) if f.f_code.co_filename == name]
    lines = [number for frame, number in frames if frame.f_code.co_name == "<module>"]
    is_hidden = bool(lines) and lines[-1] in hidden
    kind, text = type(error).__name__, safe_text(error, MAX_HINT)
    if isinstance(error, AssertionError) and not text:
        code = linecache.getline(name, lines[-1]).strip() if lines else ""
        text = _NO_HINT if is_hidden or not code else f"This test failed: {code}"
    own = [str(line) for line in getattr(error, "student_lines", [])][:12]
    return {"ename": kind, "evalue": text, "hidden": is_hidden, "student_lines": own}


class _Output(io.StringIO):
    """Keeps what a test prints, up to a limit."""

    def write(self, text: str) -> int:
        if self.tell() < MAX_OUTPUT:
            super().write(text[:MAX_OUTPUT])
        return len(text)


def _show_nothing() -> None:
    """What the instructor's cells display nobody sees here, and a table's page takes as long as a test."""
    from IPython.core.interactiveshell import InteractiveShell

    if InteractiveShell.initialized():
        InteractiveShell.instance().display_formatter.format = lambda *_, **__: ({}, {})


def limit_memory(megabytes: int) -> None:
    """A student's answer may be huge: better a MemoryError here than a full machine. What libraries have taken before
    comes on top."""
    if sys.platform == "linux":
        import resource
        from pathlib import Path

        taken = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
        size = taken + (megabytes << 20)
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))
