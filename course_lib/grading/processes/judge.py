"""The process in which the tests run. It never runs a line of the student's.

It runs the instructor's own cells and the tests, in one namespace, as a notebook would. The names that students
are to define come from the student's process, fresh for each test: data as data, functions as `proxies`. How a
test ended is read from the exception or the value of its last expression, here, where nobody can forge it.
"""

from __future__ import annotations

import ast
import io
import linecache
import math
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from course_lib.grading.channel import Channel, ChannelClosed, Message
from course_lib.grading.processes import proxies
from course_lib.grading.processes.recorder import MAX_OUTPUT
from course_lib.grading.processes.shell import safe_text
from course_lib.grading.processes.student import seed

MAX_HINT = 1500
_NO_HINT = "A hidden test failed; it gives no hint."


def main(channel: Channel) -> None:
    """Serve requests until the other end is closed."""
    judge = Judge(channel)
    seed()
    channel.send({"kind": "ready"})
    while True:
        try:
            head, body = channel.receive()
        except ChannelClosed:
            return
        if head["kind"] == "plain":
            judge.run_plain(body.decode(), head)
            channel.send({"kind": "done"})
        else:
            channel.send({"kind": "verdict", **judge.run_test(body.decode(), head)})


class Judge:
    """One notebook's tests and the instructor's cells between them."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}

    def exchange(self, head: dict[str, Any], body: bytes) -> Message:
        """Ask the student's process something, through the worker."""
        self.channel.send(head, body)
        return self.channel.receive()

    def run_plain(self, source: str, head: dict[str, Any]) -> None:
        """Run one of the instructor's own cells; what it shows and whether it fails does not matter here."""
        self._fetch(head)
        try:
            with redirect_stdout(_Output()), redirect_stderr(_Output()):
                exec(compile(source, "<instructor>", "exec"), self.namespace)
        except Exception:  # a cell that shows the student's work may well fail on it
            return

    def run_test(self, source: str, head: dict[str, Any]) -> dict[str, Any]:
        """Run one test: ``status`` ok or error, what it printed, and ``value``, the credit it gives (None: all)."""
        name, output = f"<{head['name']}>", _Output()
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            self._fetch(head)
            with redirect_stdout(output), redirect_stderr(_Output()):
                value = run_source(source, name, self.namespace)
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


def run_source(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last line, if that is an expression."""
    statements, expression = split(source, name)
    exec(statements, namespace)
    return eval(expression, namespace) if expression is not None else None


def split(source: str, name: str) -> tuple[Any, Any]:
    """A cell's code objects: its statements, and its last expression or None (also where a ``;`` hides it)."""
    tree = ast.parse(source, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        last = compile(ast.Expression(tree.body.pop().value), name, "eval")  # type: ignore[attr-defined]
    return compile(tree, name, "exec"), last


def credit(value: Any) -> dict[str, Any]:
    """A test's last value as credit: nothing means all of it, a number is partial, anything else is a mistake."""
    if value is None:
        return {"credit": None}
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if type(value) in (int, float) and math.isfinite(value):
        return {"credit": value}
    return {"credit": None, "invalid": f"the test gave {type(value).__name__} {safe_text(value, 80)} as credit"}


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


def limit_memory(megabytes: int) -> None:
    """A student's answer may be huge: better a MemoryError here than a full machine."""
    if sys.platform == "linux":
        import resource

        size = megabytes << 20
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))
