"""Which parts that tests or the notebook rely on a student's code has replaced.

This runs inside the student's process, so code that goes to great lengths can hide from it (see `integrity`). That a
function stays and gets other code raises an audit event.
"""

from __future__ import annotations

import functools
import re
import sys
import types
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from course_lib.grading.integrity import CELL

# Modules whose functions a test may rely on, if they are loaded when the student's process starts.
_GUARDED = (
    *("builtins", "math", "random", "json", "os", "io", "time", "inspect", "linecache", "traceback", "unittest.case"),
    *("numpy", "numpy.testing", "numpy.testing._private.utils", "numpy.linalg"),
    *("pandas", "pandas.testing", "pandas._testing.asserters"),
)
_OPEN = ("pandas.DataFrame", "pandas.Series", "pandas.Index")  # a name that is added hides the one of a base
_SHELLS = {"IPython's shell": "InteractiveShell", "IPython": "Shell"}
_OURS = "course_lib."
_TOO_MANY = 20
_ALWAYS = ("sys", "IPython")  # few, and a library may replace them for whoever imports it
# What can replace something without its name, or run code that is not to be read in the notebook.
_MEANS = frozenset({
    "setattr", "delattr", "getattr", "attrgetter", "methodcaller", "vars", "globals", "locals", "dir", "sys",
    "modules", "builtins", "types", "inspect", "gc", "ctypes", "operator", "exec", "eval", "compile", "code",
    "codeop", "runpy", "importlib", "import_module", "imp", "unittest", "mock", "patch", "pytest", "pickle",
    "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "load", "loads", "read_pickle", "allow_pickle",
    "get_ipython", "IPython", "open", "write", "write_text", "write_bytes",
})  # fmt: skip
_COMMAND = re.compile(r"^\s*[%!]|=\s*[%!](?!=)", re.MULTILINE)  # IPython's
_OUR_OWN = ("_", "input", "get_ipython", "display")  # set by IPython and by us when a process becomes a notebook's
_NOTHING = id(None)  # as what is not there looks

Part = tuple[str, str]  # where, and its name there


class Untouched:
    """How a process looks that no student's code has touched: the identity of every function that matters."""

    def __init__(self, shell: Any) -> None:
        self.parts: dict[Part, int] = {}
        self.by_name: dict[str, list[Part]] = {}
        self.open: list[str] = []  # of classes that are loaded already: what comes with a later import is as it comes
        for place, holder in _holders():
            self.open += [place] if place in _OPEN else []
            for name, value in list(vars(holder).items()):
                if place in _OPEN or (callable(value) and name not in _OUR_OWN):
                    self.parts[place, name] = id(value)
        self.parts["sys", "excepthook"] = id(sys.excepthook)
        for part in self.parts:
            self.by_name.setdefault(part[1], []).append(part)
        self.always = [part for part in self.parts if part[0] in _ALWAYS]
        self.hooks = dict(_hooks(shell))

    def replaced(self, shell: Any, names: Iterable[str] | None = None) -> list[str]:
        """What is not as it was: all of it (None), or only what goes by one of these names. What was added is no
        difference, as a library that was imported since, but a hook is, and what hides a method of a base.

        To look at a function's identity is to write to its memory, which a forked process then copies, page by page:
        for all of them, that takes as long as the tests of a short task.
        """
        if names is None:
            parts = [*self.parts, *self._hiding(None)]
        else:
            names = list(names)
            parts = [*self.always, *(part for name in names for part in self.by_name.get(name, ()))]
            parts += self._hiding(names)
        find = functools.cache(_holder)
        changed = {f"{place}.{name}" for place, name in parts if self._is_changed(find(place), (place, name))}
        now = dict(_hooks(shell))
        changed |= {
            f"IPython.{name}" for name in now.keys() | self.hooks.keys() if now.get(name) != self.hooks.get(name)
        }
        return sorted(changed)[:_TOO_MANY]

    def _hiding(self, names: list[str] | None) -> Iterator[Part]:
        """What pandas' classes have now and had only from their bases, of these names or at all."""
        for place in self.open:
            if isinstance(holder := _holder(place), type):
                own, bases = vars(holder), [vars(base) for base in holder.__mro__[1:]]
                for name in own if names is None else names:
                    if name in own and (place, name) not in self.parts and any(name in base for base in bases):
                        yield place, name

    def _is_changed(self, holder: Any, part: Part) -> bool:
        now = _NOTHING if holder is None else id(vars(holder).get(part[1]))
        return now != self.parts.get(part, _NOTHING)


@functools.lru_cache(maxsize=1024)
def names_to_look_at(source: str) -> frozenset[str] | None:
    """The words of a cell, one of which is the name of whatever it replaces; None where it has means to replace what
    it does not name."""
    text = unicodedata.normalize("NFKC", source)  # as Python reads names
    words = frozenset(re.findall(r"\w+", text))
    if _COMMAND.search(text) or words & _MEANS or any(word.startswith("__") for word in words):
        return None
    return words


def _holders() -> Iterator[tuple[str, Any]]:
    """Modules and classes, with what they are called here."""
    for name in (*_GUARDED, *(m for m in list(sys.modules) if m.startswith(_OURS))):
        if isinstance(module := sys.modules.get(name), types.ModuleType):
            yield name, module
            if name.startswith(_OURS):
                for key, value in list(vars(module).items()):
                    if isinstance(value, type) and value.__module__ == name:
                        yield f"{name}.{key}", value
    yield from ((place, holder) for place in (*_OPEN, *_SHELLS) if (holder := _holder(place)) is not None)


def _holder(place: str) -> Any:
    """The module or class of this name, None where there is none."""
    if place in _SHELLS:
        from course_lib.grading.processes import shell

        return getattr(shell, _SHELLS[place])
    module = sys.modules.get(place)
    if isinstance(module, types.ModuleType):
        return module
    name, _, key = place.rpartition(".")
    module = sys.modules.get(name)
    value = vars(module).get(key) if isinstance(module, types.ModuleType) else None
    return value if isinstance(value, type) else None


def _hooks(shell: Any) -> Iterator[tuple[str, int]]:
    """What can be hung into IPython so that later cells, their results or their errors change."""
    for name in ("input_transformers_cleanup", "input_transformers_post", "ast_transformers", "custom_exceptions"):
        own = [item for item in getattr(shell, name, ()) if _is_the_notebooks(item)]
        yield name, len(own) + (name == "ast_transformers" and len(shell.ast_transformers))
    for event, callbacks in shell.events.callbacks.items():
        if own := [callback for callback in callbacks if _is_the_notebooks(callback)]:
            yield f"{event} hook", len(own)
    for name, value in vars(shell).items():
        if callable(value) and callable(getattr(type(shell), name, None)) and _is_the_notebooks(value):
            yield f"own {name}", id(value)
    for formatter in shell.display_formatter.formatters.values():
        if own := [f for f in formatter.type_printers.values() if _is_the_notebooks(f)]:
            yield "display formatters", len(own)


def _is_the_notebooks(value: Any) -> bool:
    function = getattr(value, "__func__", value)
    code = getattr(function, "__code__", None)
    if code is not None:
        return code.co_filename.startswith(CELL)
    return getattr(type(value), "__module__", "") == "__main__" or getattr(value, "__module__", "") == "__main__"
