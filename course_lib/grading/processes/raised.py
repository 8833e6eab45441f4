"""Errors of a student's function, raised again where the tests are, so that a test can expect and catch them.

An error travels as the names of its classes, its arguments as data, and its text. What is raised is an instance of
the nearest class that the tests know, too, whatever its constructor asks for: a test that expects ``ValueError``
catches a `pydantic.ValidationError`, and one that expects that very class does as well.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from typing import Any

_GRADER = "course_lib.grading"


class AnswerError(Exception):
    """A student's function ended in a way that is no ordinary error: it left Python, or its answer is no message."""


def raise_as_here(head: dict[str, Any], args: Any) -> None:
    """Raise what the student's function raised. ``head`` is what the student's process says about it.

    Raises AnswerError where that was no ordinary error.
    """
    name, text = str(head.get("ename")), str(head.get("evalue"))
    known = list(_known(head.get("kinds")))
    if not any(kind.__module__ == "builtins" for kind in known):
        raise AnswerError(f"{name}: the function tried to leave Python instead of answering")
    error = _instance(known, name if name.isidentifier() else "Error", args, text)
    error.student_lines = [str(line) for line in head.get("traceback", [])][:-1]  # type: ignore[attr-defined]
    raise error


def _known(kinds: Any) -> Iterable[type[Exception]]:
    """Those of the error's classes, nearest first, that exist here. ``kinds`` are pairs of module and name."""
    for pair in kinds if isinstance(kinds, list) else []:
        module, name = (str(part) for part in pair)
        if module.partition(".")[0] == "__main__" or module.startswith(_GRADER):
            continue
        found = getattr(builtins if module == "builtins" else sys.modules.get(module), name, None)
        if isinstance(found, type) and issubclass(found, Exception):
            yield found


def _instance(known: list[type[Exception]], name: str, args: Any, text: str) -> Exception:
    """An error of the first class that can be had, by the name that the student's has."""
    args = args if isinstance(args, tuple) else (text,)
    for kind in known:
        for make in (_plain, _renamed, _of_pydantic):
            try:
                error = make(kind, name, args, text)
                str(error)
            except Exception:  # whatever a constructor objects to, there is another way
                continue
            return error
    return _renamed(Exception, name, args, text)


def _plain(kind: type[Exception], name: str, args: tuple[Any, ...], text: str) -> Exception:  # noqa: ARG001
    if kind.__name__ != name:
        raise TypeError("only what is of this very class")
    error = kind.__new__(kind, *args)
    error.args = args
    return error


def _renamed(kind: type[Exception], name: str, args: tuple[Any, ...], text: str) -> Exception:
    """Of a class made for it, which skips the constructor and knows its text."""

    class Own(kind):  # type: ignore[misc, valid-type]
        def __init__(self, *_: Any) -> None:
            """It has its arguments already."""

        def __str__(self) -> str:
            return text

    own = type(name, (Own,), {})
    error = own.__new__(own, *args)
    error.args = args
    return error


def _of_pydantic(kind: Any, name: str, args: tuple[Any, ...], text: str) -> Exception:  # noqa: ARG001
    from pydantic_core import PydanticCustomError

    title, problems = args
    details = [
        {
            "type": PydanticCustomError(str(problem["type"]), str(problem["msg"])),
            "loc": tuple(problem["loc"]),
            "input": problem["input"],
        }
        for problem in problems
    ]
    return kind.from_exception_data(str(title), details)
