"""Values as plain data, the only thing that passes from a student's process to the one that judges it.

`encode` runs beside the student's code, which may have replaced anything in its process; `decode` runs beside
the tests. So nothing on the wire can name code: it is a tree of JSON with buffers of numbers behind it, and
`decode` builds exactly the types listed here, by their ordinary constructors. An object of a class of the
student's own arrives as its data (a dict's subclass as a dict, a dataclass as its fields) or, where it has none,
as a `Foreign`, which is equal to nothing: methods never travel. Tables and arrays are in `wire_tables`.

A message is 8 bytes (length of the tree, big endian), the tree, and the buffers.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import fractions
import json
import keyword
import pathlib
import re
import sys
import types
from collections import Counter, OrderedDict, deque, namedtuple
from collections.abc import Sequence
from typing import Any

MAX_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 60
MAX_NODES = 3_000_000
MAX_ITERATED = 200_000
_LENGTH = 8
_ITERATORS = (types.GeneratorType, map, filter, zip, enumerate, reversed, type(iter([])), type(iter(())))
_VIEWS = {"dict_keys": type({}.keys()), "dict_values": type({}.values()), "dict_items": type({}.items())}
_DICTS = {"dict": dict, "Counter": Counter, "OrderedDict": OrderedDict}
_LISTS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}


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


class Encoder:
    """Turns one value into a message. ``known`` are objects that the other side has: they travel as a number."""

    def __init__(self, known: Sequence[Any] = ()) -> None:
        self.known = {id(value): number for number, value in enumerate(known) if not _is_plain(value)}
        self.buffers: list[bytes] = []
        self.nodes = 0

    def node(self, value: Any, depth: int = 0) -> Any:
        """The tree of one value."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise WireError("too large or too deeply nested to be examined")
        kind = type(value)
        if value is None or kind is bool or kind is float or kind is str:
            return value
        if kind is int:
            return value if -(2**63) < value < 2**63 else ["int", hex(value)]
        if id(value) in self.known:
            return ["known", self.known[id(value)]]
        return self._library(value, depth) or self._container(value, depth) or self._scalar(value) or _other(value)

    def buffer(self, data: bytes) -> int:
        """Put bytes behind the tree; returns their number."""
        self.buffers.append(bytes(data))
        return len(self.buffers) - 1

    def _library(self, value: Any, depth: int) -> Any:
        if "numpy" not in sys.modules:
            return None
        from course_lib.grading import wire_tables

        return wire_tables.encode(self, value, depth + 1)

    def _items(self, values: Any, depth: int) -> list[Any]:
        return [self.node(item, depth + 1) for item in values]

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            name = next((n for n in ("Counter", "OrderedDict") if isinstance(value, _DICTS[n])), "dict")
            pairs = [[self.node(k, depth + 1), self.node(v, depth + 1)] for k, v in dict.items(value)]
            return ["dict", name, pairs]
        if isinstance(value, tuple) and isinstance(fields := getattr(value, "_fields", None), tuple):
            return ["record", "namedtuple", type(value).__name__, list(fields), self._items(value, depth)]
        for name, builtin in _LISTS.items():
            if isinstance(value, builtin):
                return ["list", name, self._items(builtin.__iter__(value), depth)]
        for name, view in _VIEWS.items():
            if isinstance(value, view):
                return ["list", name, self._items(value, depth)]
        if isinstance(value, _ITERATORS):
            return ["list", "iterator", self._items(_some(value), depth)]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            items = self._items((getattr(value, name) for name in names), depth)
            return ["record", "dataclass", type(value).__name__, names, items]
        if type(value) is types.SimpleNamespace:
            return ["record", "namespace", "", list(vars(value)), self._items(vars(value).values(), depth)]
        return None

    def _scalar(self, value: Any) -> Any:
        for builtin in (str, bool, int, float):
            if isinstance(value, builtin):
                return self.node(builtin.__add__(value, builtin()) if builtin is not bool else bool(value))
        if isinstance(value, bytes | bytearray):
            return ["bytes", type(value).__name__, self.buffer(value)]
        if isinstance(value, complex):
            return ["complex", value.real, value.imag]
        if isinstance(value, range):
            return ["range", *(self.node(n) for n in (value.start, value.stop, value.step))]
        if isinstance(value, slice):
            return ["slice", *(self.node(n) for n in (value.start, value.stop, value.step))]
        if isinstance(value, datetime.datetime):
            return ["datetime", value.isoformat(), getattr(value.tzinfo, "key", None), value.fold]
        if isinstance(value, datetime.date | datetime.time):
            return ["date" if isinstance(value, datetime.date) else "time", value.isoformat()]
        if isinstance(value, datetime.timedelta):
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if isinstance(value, decimal.Decimal):
            return ["decimal", str(value)]
        if isinstance(value, fractions.Fraction):
            return ["fraction", self.node(value.numerator), self.node(value.denominator)]
        if isinstance(value, pathlib.PurePath):
            return ["path", str(value)]
        if value is Ellipsis or value is NotImplemented:
            return ["constant", repr(value)]
        return None


def encode(value: Any, known: Sequence[Any] = ()) -> bytes:
    """One message for one value. Raises WireError where it is too large or too deep."""
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


class Decoder:
    """Builds one value from a message. ``known`` are the objects that ``["known", n]`` stands for."""

    def __init__(self, buffers: list[memoryview], known: Sequence[Any] = ()) -> None:
        self.buffers, self.known = buffers, known

    def value(self, node: Any) -> Any:
        """The value of one tree."""
        if node is None or type(node) in (bool, int, float, str):
            return node
        if type(node) is not list or not node or type(node[0]) is not str:
            raise WireError("not a value")
        build = getattr(self, f"_{node[0]}", None)
        if build is not None and node[0].isalpha():
            return build(*node[1:])
        from course_lib.grading import wire_tables

        return wire_tables.decode(self, node)

    def values(self, nodes: Any) -> list[Any]:
        """The values of a list of trees."""
        return [self.value(node) for node in nodes]

    def _int(self, text: str) -> int:
        return int(text, 16)

    def _known(self, number: int) -> Any:
        return self.known[number]

    def _dict(self, name: str, pairs: list[Any]) -> Any:
        return _DICTS[name]({self.value(key): self.value(value) for key, value in pairs})

    def _list(self, name: str, nodes: list[Any]) -> Any:
        values = self.values(nodes)
        if name == "iterator":
            return iter(values)
        if name == "dict_keys":
            return dict.fromkeys(values).keys()
        if name == "dict_values":
            return dict(enumerate(values)).values()
        if name == "dict_items":
            return dict(values).items()
        return _LISTS[name](values)

    def _record(self, kind: str, name: str, fields: list[str], nodes: list[Any]) -> Any:
        values = self.values(nodes)
        if kind == "namespace":
            return types.SimpleNamespace(**dict(zip(fields, values, strict=True)))
        if not all(_is_name(word) for word in [name, *fields]) or len(fields) != len(values):
            raise WireError("not a record")
        if kind == "namedtuple":
            return namedtuple(name, fields)(*values)
        return dataclasses.make_dataclass(name, fields)(*values)

    def _bytes(self, name: str, number: int) -> bytes | bytearray:
        return (bytearray if name == "bytearray" else bytes)(self.buffers[number])

    def _complex(self, real: float, imag: float) -> complex:
        return complex(real, imag)

    def _range(self, *nodes: Any) -> range:
        return range(*self.values(nodes))

    def _slice(self, *nodes: Any) -> slice:
        return slice(*self.values(nodes))

    def _datetime(self, text: str, zone: str | None, fold: int) -> datetime.datetime:
        value = datetime.datetime.fromisoformat(text).replace(fold=int(bool(fold)))
        if zone:
            from zoneinfo import ZoneInfo

            value = value.replace(tzinfo=ZoneInfo(zone))
        return value

    def _date(self, text: str) -> datetime.date:
        return datetime.date.fromisoformat(text)

    def _time(self, text: str) -> datetime.time:
        return datetime.time.fromisoformat(text)

    def _timedelta(self, days: int, seconds: int, microseconds: int) -> datetime.timedelta:
        return datetime.timedelta(days, seconds, microseconds)

    def _decimal(self, text: str) -> decimal.Decimal:
        return decimal.Decimal(text)

    def _fraction(self, numerator: Any, denominator: Any) -> fractions.Fraction:
        return fractions.Fraction(self.value(numerator), self.value(denominator))

    def _path(self, text: str) -> pathlib.Path:
        return pathlib.Path(text)

    def _constant(self, text: str) -> Any:
        return {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}[text]

    def _module(self, name: str) -> Module:
        return Module(str(name))

    def _foreign(self, type_name: str, text: str) -> Foreign:
        return Foreign(str(type_name)[:100], str(text)[:300])

    def _function(self, name: str, doc: str | None, parameters: Any) -> Function:
        if parameters is not None:
            if not all(_is_name(p[0]) and p[1] in range(5) for p in parameters):
                raise WireError("not a function")
            parameters = tuple((p[0], p[1], bool(p[2])) for p in parameters)
        return Function(str(name)[:100], None if doc is None else str(doc), parameters)


def decode(message: bytes, known: Sequence[Any] = ()) -> Any:
    """The value of a message, whoever wrote it. Raises WireError for anything that `encode` would not write."""
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


def _other(value: Any) -> list[Any]:
    if isinstance(value, types.ModuleType):
        return ["module", str(getattr(value, "__name__", ""))]
    if callable(value):
        return ["function", *_describe(value)]
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return ["foreign", type(value).__name__, str(text)[:300]]


def _describe(value: Any) -> tuple[str, str | None, list[Any] | None]:
    import inspect

    try:
        parameters = [
            [p.name, int(p.kind), p.default is not p.empty] for p in inspect.signature(value).parameters.values()
        ]
    except (TypeError, ValueError):
        parameters = None
    doc = getattr(value, "__doc__", None)
    name = getattr(value, "__name__", type(value).__name__)
    return str(name), doc if type(doc) is str else None, parameters


def _some(iterator: Any) -> list[Any]:
    values = []
    for value in iterator:
        values.append(value)
        if len(values) > MAX_ITERATED:
            raise WireError(f"an iterator of more than {MAX_ITERATED:,} values")
    return values


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | bytes | type)


def _is_name(word: Any) -> bool:
    known = type(word) is str and re.fullmatch(r"[^\W\d]\w*", word)
    return bool(known) and not keyword.iskeyword(word) and not word.startswith("__")
