"""Turn a student's value into a tree and buffers (see `wire`)."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import fractions
import inspect
import pathlib
import sys
import types
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from typing import Any

from course_lib.grading.wire import WireError

MAX_DEPTH = 60
MAX_NODES = 3_000_000
MAX_ITERATED = 200_000
_ITERATORS = (types.GeneratorType, map, filter, zip, enumerate, reversed, type(iter([])), type(iter(())))
_VIEWS = {"dict_keys": type({}.keys()), "dict_values": type({}.values()), "dict_items": type({}.items())}
_DICTS = {"Counter": Counter, "OrderedDict": OrderedDict}
_LISTS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}


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
        from course_lib.grading import tables_encode

        return tables_encode.encode(self, value, depth + 1)

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
