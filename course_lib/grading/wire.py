"""Values as plain data, the only thing that passes from a student's process to the one that judges it.

`encode` runs beside the student's code, which may have replaced anything in its process; `decode` runs beside
the tests. So nothing on the wire can name code: it is a tree of JSON with buffers of numbers behind it, and
`decode` builds exactly the types listed in `wire_decode` and `tables_decode`, by their ordinary constructors. An
object of a class of the student's own arrives as its data (a dict's subclass as a dict, a dataclass as its fields)
or, where it has none, as a `Foreign`, which is equal to nothing: methods never travel.

A message is 8 bytes (length of the tree, big endian), the tree, and the buffers.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

MAX_BYTES = 256 * 1024 * 1024
_LENGTH = 8


class WireError(ValueError):
    """A value that cannot travel, or a message that no honest `encode` writes."""


class Foreign:
    """What is known of a student's object that is not data: its type's name and how it looks. Equal to nothing."""

    def __init__(self, type_name: str, text: str) -> None:
        self.type_name, self.text = type_name, text

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError(f"a {self.type_name} is neither true nor false here")

    def __repr__(self) -> str:
        return self.text


@dataclasses.dataclass(frozen=True)
class Function:
    """A student's callable, as the judge knows it: its name, its help and its parameters, never its code."""

    name: str
    doc: str | None = None
    parameters: tuple[tuple[str, int, bool], ...] | None = None


@dataclasses.dataclass(frozen=True)
class Module:
    """A module that a student's name stands for."""

    name: str


def encode(value: Any, known: Sequence[Any] = ()) -> bytes:
    """One message for one value. Raises WireError where it is too large or too deep."""
    from course_lib.grading.wire_encode import Encoder

    encoder = Encoder(known)
    try:
        tree = encoder.node(value)
    except RecursionError as error:
        raise WireError("too deeply nested to be examined") from error
    sizes = [len(data) for data in encoder.buffers]
    head = json.dumps([sizes, tree], separators=(",", ":")).encode()
    if len(head) + sum(sizes) > MAX_BYTES:
        raise WireError(f"too large to be examined ({(len(head) + sum(sizes)) >> 20} MB)")
    return b"".join((len(head).to_bytes(_LENGTH, "big"), head, *encoder.buffers))


def encode_anything(value: Any) -> bytes:
    """One message for one value; for one that cannot travel, what can be said of it."""
    try:
        return encode(value)
    except Exception as error:
        return encode(Foreign(type(value).__name__, f"<{type(value).__name__}: {error}>"))


def decode(message: bytes, known: Sequence[Any] = ()) -> Any:
    """The value of a message, whoever wrote it. Raises WireError for anything that `encode` would not write."""
    from course_lib.grading.wire_decode import Decoder

    try:
        size = int.from_bytes(message[:_LENGTH], "big")
        if size > len(message) - _LENGTH:
            raise WireError("the message is cut off")
        sizes, tree = json.loads(message[_LENGTH : _LENGTH + size])
        view, start, buffers = memoryview(message), _LENGTH + size, []
        for length in sizes:
            if type(length) is not int or length < 0 or start + length > len(message):
                raise WireError("the message is cut off")
            buffers.append(view[start : start + length])
            start += length
        return Decoder(buffers, known).value(tree)
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"not a message ({type(error).__name__})") from error
