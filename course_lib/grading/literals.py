"""Notebooks in which a student only wrote values down, as in a quiz: ``answer = "b"``.

Such cells mean the same read as run, so they are read, and no process is started for them. Whatever is more than a
value, if only in one cell, is code, and the whole notebook runs in a student's process.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable
from typing import Any

from course_lib.grading import wire
from course_lib.grading.channel import Message

MAX_LENGTH = 5_000


class LiteralSide:
    """Stands in for the student's process (see `sides.StudentSide`) where there is nothing to run."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.notices: list[str] = []

    def run(self, source: str, name: str) -> dict[str, Any]:  # noqa: ARG002 (as StudentSide has it)
        """Take over what one cell says."""
        self.values |= literal_values(source) or {}
        return {"status": "ok", "outputs": [], "ename": "", "evalue": ""}

    def ask(self, head: dict[str, Any], body: bytes, deadline: float) -> Message:  # noqa: ARG002
        """Hand out values: all that tests can want, since there is no function to be called."""
        messages = {name: wire.encode_anything(self.values[name]) for name in head["names"] if name in self.values}
        sizes = [[name, len(message)] for name, message in messages.items()]
        return {"kind": "answer", "sizes": sizes}, b"".join(messages.values())

    def be_ready(self) -> None:
        """There is nothing to start,"""

    def probe(self, *, thorough: bool = True) -> list[str]:  # noqa: ARG002 (as StudentSide has it)
        """nothing that could have been tampered with,"""
        return []

    def end(self) -> None:
        """and nothing to end."""


def only_literals(sources: Iterable[str]) -> bool:
    """Whether all these cells do nothing but give names to values."""
    return all(literal_values(source) is not None for source in sources)


def literal_values(source: str) -> dict[str, Any] | None:
    """The names that a cell gives to values written out in it; None where it does anything else."""
    if len(source) > MAX_LENGTH:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning would be seen below the cell
            tree = ast.parse(source)
        values: dict[str, Any] = {}
        for statement in tree.body:
            if not isinstance(statement, ast.Assign):
                return None
            value = ast.literal_eval(statement.value)
            for target in statement.targets:
                if not isinstance(target, ast.Name) or target.id.startswith("_"):
                    return None
                values[target.id] = value
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, Warning):
        return None
    return values
