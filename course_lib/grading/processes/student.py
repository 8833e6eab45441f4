"""The process in which a student's code runs. Nothing that it says is believed to be more than an answer.

It is told to run cells, to hand out values and to call functions; it answers with data (see `wire`). Requests:

=============  =======================================================================================
``run``        a cell → its status and outputs
``fetch``      names → each as a message, or nothing where there is no such name
``call``       a function with pickled arguments → its result, and the arguments that it changed
``guarded``    a compiled test (see `course_lib.grading.execution`) → how it ended
``probe``      which of Python's, IPython's and the libraries' own parts were replaced (those of some names, or all)
=============  =======================================================================================
"""

from __future__ import annotations

import marshal
import os
import pickle
import sys
from typing import Any

from course_lib.grading import integrity, wire
from course_lib.grading.channel import Channel, ChannelClosed
from course_lib.grading.processes import callbacks, changes
from course_lib.grading.processes import shell as shells
from course_lib.grading.processes.describe import describe_error
from course_lib.grading.processes.seeds import seed
from course_lib.grading.replaced import Untouched


def main(channel: Channel, shell: shells.Shell | None = None, untouched: Untouched | None = None) -> None:
    """Serve requests until the other end is closed. ``untouched`` is how the process looks now."""
    shell = shell or shells.new_shell()
    untouched = untouched or Untouched(shell)
    shells.occupy(shell)
    sys.path[0] = os.getcwd()  # as in a notebook: files beside it can be imported
    student = Student(channel, shell, untouched)
    seed()
    integrity.watch(student.notice)
    channel.send({"kind": "ready"})
    while True:
        try:
            head, body = channel.receive()
        except ChannelClosed:
            return
        student.answer(head, body)


class Student:
    """Answers requests, one at a time."""

    def __init__(self, channel: Channel, shell: shells.Shell, untouched: Untouched) -> None:
        self.channel, self.shell, self.untouched = channel, shell, untouched
        self.noticed: set[str] = set()
        callbacks.answer_with(self.callback)

    def notice(self, what: str) -> None:
        """Tell at once what was tried: the process may not live much longer."""
        if what not in self.noticed and len(self.noticed) < 50:
            self.noticed.add(what)
            self.channel.send({"kind": "notice", "what": what})

    def answer(self, head: dict[str, Any], body: bytes) -> None:
        """Do what is asked and send what came of it."""
        kind = head["kind"]
        if kind == "run":
            reply, block = shells.run_cell(self.shell, body.decode(), head["name"]), b""
        elif kind == "fetch":
            reply, block = self._fetch(head["names"])
        elif kind == "call":
            reply, block = self._call(head["name"], body)
        elif kind == "guarded":
            reply, block = self._guarded(head, body)
        else:
            reply, block = {"changed": self.untouched.replaced(self.shell, head.get("names"))}, b""
        self.channel.send({"kind": "answer", **reply}, block)

    def _fetch(self, names: list[str]) -> tuple[dict[str, Any], bytes]:
        messages = {
            name: wire.encode_anything(self.shell.user_ns[name]) for name in names if name in self.shell.user_ns
        }
        sizes = [[name, len(message)] for name, message in messages.items()]
        return {"sizes": sizes}, b"".join(messages.values())

    def _call(self, name: str, body: bytes) -> tuple[dict[str, Any], bytes]:
        args, kwargs = pickle.loads(body)  # from the tests, which may be trusted
        given = {**dict(enumerate(args)), **kwargs}
        watches = {place: changes.Watch(value) for place, value in given.items()}
        self.shell.recorder.start()
        try:
            result = self.shell.user_ns[name](*args, **kwargs)
            message = wire.encode(result, list(given.values()))
            reply: dict[str, Any] = {"status": "ok"}
        except wire.WireError as error:
            reply, message = {"status": "ok"}, wire.encode(None)
            reply["foreign"] = str(error)
        except BaseException as error:
            reply, message = {"status": "error", **_describe(error)}, wire.encode_anything(_arguments(error))
        changed = [place for place, watch in watches.items() if watch.changed()]
        arguments = wire.encode_anything([given[place] for place in changed]) if changed else b""
        reply |= {"changed": [str(place) for place in changed], "printed": bool(self.shell.recorder.outputs)}
        return reply | {"sizes": [len(message), len(arguments)]}, message + arguments

    def _guarded(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        statements, expression = marshal.loads(body)
        namespace = self.shell.user_ns
        try:
            exec(statements, namespace)
            value = eval(expression, namespace) if expression is not None else None
            return {"status": "ok", "nonce": head["nonce"]}, wire.encode_anything(value)
        except BaseException as error:
            return {"status": "error", **_describe(error)}, b""

    def callback(self, number: int, args: Any, kwargs: Any) -> Any:
        """Call a function that a test has passed, in the process of the tests."""
        self.channel.send({"kind": "callback", "number": number}, wire.encode((args, kwargs)))
        head, body = self.channel.receive()
        value = pickle.loads(body)  # from the tests, which may be trusted
        if head.get("status") == "error":
            raise value
        return value


def _describe(error: BaseException) -> dict[str, Any]:
    kinds = [[kind.__module__, kind.__name__] for kind in type(error).__mro__]
    return {**describe_error(error), "kinds": kinds}


def _arguments(error: BaseException) -> tuple[Any, ...]:
    """What an error was made from, as data. Those of pydantic keep it elsewhere than all others."""
    if type(error).__module__.startswith("pydantic_core"):
        return error.title, error.errors(include_url=False, include_context=False)  # type: ignore[attr-defined]
    return error.args
