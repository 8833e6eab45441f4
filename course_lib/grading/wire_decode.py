"""Build a value from a tree and buffers that anybody may have written (see `wire`)."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import fractions
import keyword
import pathlib
import re
import types
from collections import Counter, OrderedDict, deque, namedtuple
from collections.abc import Sequence
from typing import Any

from course_lib.grading.wire import Foreign, Function, Module, WireError

_DICTS = {"dict": dict, "Counter": Counter, "OrderedDict": OrderedDict}
_LISTS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}


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
        from course_lib.grading import tables_decode

        return tables_decode.decode(self, node)

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


def _is_name(word: Any) -> bool:
    known = type(word) is str and re.fullmatch(r"[^\W\d]\w*", word)
    return bool(known) and not keyword.iskeyword(word) and not word.startswith("__")
