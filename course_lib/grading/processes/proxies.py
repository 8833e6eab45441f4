"""A student's functions as the tests see them: they run in the student's process, and data comes back.

What the tests pass is pickled, since tests may be trusted; functions among the arguments (a clock, a flaky
service) stay here and are called from there. What comes back is built by `wire.decode`. An argument that the
student's function changed is changed here too, so that a test of “the input stays as it was” means something.
"""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
from collections.abc import Callable
from typing import Any

from course_lib.grading import wire
from course_lib.grading.processes import arguments
from course_lib.grading.processes.raised import AnswerError, raise_as_here

Exchange = Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]


def make_proxy(name: str, function: wire.Function, exchange: Exchange) -> Callable[..., Any]:
    """A function that calls the student's; it has its name, help and signature."""

    def proxy(*args: Any, **kwargs: Any) -> Any:
        request, functions = arguments.dump((args, kwargs))
        head, body = exchange({"kind": "call", "name": name}, request)
        while head.get("kind") == "callback":
            head, body = exchange(*_called_back(functions, head, body))
        return _result(head, body, {**dict(enumerate(args)), **kwargs})

    proxy.__name__ = proxy.__qualname__ = function.name if function.name.isidentifier() else name
    proxy.__doc__ = function.doc
    if function.parameters is not None:
        proxy.__signature__ = _signature(function)  # type: ignore[attr-defined]
    return proxy


def revive(name: str, message: bytes, exchange: Exchange, modules: set[str]) -> Any:
    """What one of the student's names stands for in the tests. ``modules`` may be imported here."""
    value = wire.decode(message)
    if isinstance(value, wire.Function):
        return make_proxy(name, value, exchange)
    if isinstance(value, wire.Module):
        if value.name not in modules:
            return wire.Foreign("module", f"<module {value.name}>")
        return importlib.import_module(value.name)
    return value


def _called_back(
    functions: list[Callable[..., Any]], head: dict[str, Any], body: bytes
) -> tuple[dict[str, Any], bytes]:
    try:
        args, kwargs = wire.decode(body)
        value, status = functions[head["number"]](*args, **kwargs), "ok"
    except Exception as error:
        value, status = error, "error"
    try:
        block = pickle.dumps(value)
    except Exception:
        block, status = pickle.dumps(RuntimeError(str(value))), "error"
    return {"kind": "called_back", "status": status}, block


def _result(head: dict[str, Any], body: bytes, given: dict[Any, Any]) -> Any:
    if head.get("kind") != "answer":
        raise AnswerError("the answer is no message")
    size = int(head["sizes"][0])
    _apply_changes([str(place) for place in head.get("changed", [])], body[size:], given)
    value = wire.decode(body[:size], list(given.values()))
    if head.get("status") == "error":
        raise_as_here(head, value)
    if "foreign" in head:
        return wire.Foreign("object", f"<something {head['foreign']}>")
    return value


def _apply_changes(places: list[str], message: bytes, given: dict[Any, Any]) -> None:
    if not places:
        return
    named = {str(place): value for place, value in given.items()}
    for place, new in zip(places, wire.decode(message), strict=True):
        _become(named[place], new)


def _become(old: Any, new: Any) -> None:
    """Give an argument of the tests the content that the student's function left in it."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if (
        pandas
        and isinstance(old, pandas.DataFrame | pandas.Series)
        and isinstance(new, pandas.DataFrame | pandas.Series)
    ):
        old._update_inplace(new)
        if isinstance(old, pandas.Series):
            old.name = new.name
    elif numpy and isinstance(old, numpy.ndarray) and isinstance(new, numpy.ndarray) and old.shape == new.shape:
        old[...] = new
    elif isinstance(old, dict) and isinstance(new, dict):
        dict.clear(old)
        dict.update(old, new)
    elif isinstance(old, list) and isinstance(new, list):
        old[:] = new
    elif isinstance(old, set) and isinstance(new, set | frozenset):
        old.clear()
        old.update(new)


def _signature(function: wire.Function) -> inspect.Signature:
    missing = inspect.Parameter.empty
    parameters = [
        inspect.Parameter(name, inspect._ParameterKind(kind), default=... if has_default else missing)
        for name, kind, has_default in function.parameters or ()
    ]
    try:
        return inspect.Signature(parameters)
    except ValueError:
        return inspect.Signature()
