"""What a test passes to a student's function, as a pickle: tests may be trusted, so it may hold anything.

Functions of the tests' own stay where they are; numbers go in their place (see `callbacks`).
"""

from __future__ import annotations

import io
import pickle
import types
from collections.abc import Callable
from typing import Any

from course_lib.grading.processes.callbacks import function_there
from course_lib.grading.tables_pickle import reducers

_PROTOCOL = 5
_BOUND = (types.MethodType, types.BuiltinMethodType)
_NOBODY = (type, types.ModuleType, types.NoneType)
# How a function of the tests' own can get into a pickle that knows nothing of them: by its module's name, or as what
# its object has under a name. A nested one can't.
_SIGNS = (b"__main__", b"getattr")

Functions = list[Callable[..., Any]]


def dump(value: Any) -> tuple[bytes, Functions]:
    """The pickle, and the functions that its numbers stand for. Raises what pickling raises."""
    try:
        data = _Pickler().dumped(value)
        if not any(sign in data for sign in _SIGNS):
            return data, []
    except Exception:  # a function, most likely
        pass
    pickler = _FunctionPickler()
    return pickler.dumped(value), pickler.functions


class _Pickler(pickle.Pickler):
    def __init__(self) -> None:
        self.file = io.BytesIO()
        super().__init__(self.file, _PROTOCOL)
        self.dispatch_table = reducers()
        self.functions: Functions = []

    def dumped(self, value: Any) -> bytes:
        self.dump(value)
        return self.file.getvalue()


class _FunctionPickler(_Pickler):
    """Asks of each object whether it is a function of the tests' own, which takes longer."""

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is types.FunctionType:
            own = value.__module__ == "__main__" or "<" in value.__qualname__
        else:
            own = kind in _BOUND and not isinstance(getattr(value, "__self__", None), _NOBODY)
        if not own:
            return NotImplemented
        self.functions.append(value)
        return function_there, (len(self.functions) - 1,)
