"""What a student's code did to its process besides answering: parts replaced, and things tried that are not asked for.

Both run inside that process, so code that goes to great lengths can hide from them. They are there to show a
person where to look; no point given by a test that runs in the judge's process depends on them.
"""

from __future__ import annotations

import functools
import re
import sys
import types
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

CELL = "<cell "

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
_ALWAYS = ("sys", "IPython")  # few, and hooks among them that have no name
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

_PLACES = re.compile(r"(^|[\\/])(gradebook|solutions|autograded|submitted)([\\/.]|$)|(exercises|quiz)[^\\/]*\.ipynb$")
_HELPERS = (
    *("inspect", "traceback", "subprocess", "os", "threading", "multiprocessing", "ctypes", "gc", "signal"),
    *("socket", "ssl", "http", "urllib", "urllib3", "requests"),
)
_PATH_EVENTS = ("open", "sqlite3.connect", "os.listdir", "os.scandir")
_EVENTS = {
    "sys._getframe": "looked at the frames that called it",
    "sys._current_frames": "looked at the frames of other threads",
    "sys.settrace": "traced the execution",
    "sys.setprofile": "traced the execution",
    "sys.addaudithook": "installed an audit hook",
    "gc.get_objects": "searched Python's memory",
    "gc.get_referrers": "searched Python's memory",
    "ctypes.dlopen": "reached into memory with ctypes",
    "os.fork": "started another process",
    "os.forkpty": "started another process",
    "os.exec": "replaced its process",
    "os.posix_spawn": "started another process",
    "os.system": "started another process",
    "subprocess.Popen": "started another process",
    "os.kill": "sent a signal to a process",
    "os.killpg": "sent a signal to a process",
    "socket.connect": "tried to reach the network",
    "object.__setattr__": "replaced the code of a function or the kind of an object",
}


def watch(notice: Callable[[str], None]) -> None:
    """Tell of what only code that looks for the tests does. An audit hook cannot be taken out again."""
    busy = False

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy or not (event in _EVENTS or event in _PATH_EVENTS):
            return
        busy = True  # what is done here raises events of its own
        try:
            if event in _PATH_EVENTS:
                what = f"opened {args[0]}" if args and isinstance(args[0], str) and _PLACES.search(args[0]) else None
            else:
                what = _EVENTS[event] if _called_from_cell(sys._getframe(1)) else None
            if what is not None:
                notice(what)
        finally:
            busy = False

    sys.addaudithook(hook)


def _called_from_cell(frame: types.FrameType | None) -> bool:
    """Whether the notebook's own code did it, and not a library for reasons of its own."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(CELL):
            return True
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _HELPERS:
            return False
        frame = frame.f_back
    return False


Snapshot = dict[str, dict[str, int]]


def snapshot(shell: Any, before: Snapshot | None = None) -> Snapshot:
    """The identity of every function that tests or the notebook rely on, by where it is and its name.

    With ``before``, only what was there before is looked up, which is much faster. That a function keeps its
    identity and gets other code raises an audit event (see `watch`).
    """
    found: Snapshot = {"sys": {"excepthook": id(sys.excepthook)}}
    for name, holder in _holders(before):
        values = vars(holder)
        if before is not None:
            keys = list(before.get(name, ()))
        elif name in _OPEN:
            keys = list(values)
        else:
            keys = [key for key, value in list(values.items()) if callable(value) and key not in _OUR_OWN]
        found[name] = {key: id(values.get(key)) for key in keys}
    found["IPython"] |= dict(_hooks(shell))
    return found


def replaced(shell: Any, before: Snapshot, names: Iterable[str] | None = None) -> list[str]:
    """What is not as it was in ``before``: all of it (None), or only what goes by one of these names.

    To look at a function's identity is to write to its memory, which a forked process then copies, page by page:
    all of them take as long as the tests of a short task.
    """
    nothing = id(None)  # as what is not there looks
    if names is None:
        added = {
            place: vars(holder).keys() - before[place].keys() for place, holder in _holders(before) if place in _OPEN
        }
        before = before | {place: before[place] | dict.fromkeys(new, nothing) for place, new in added.items()}
    else:
        wanted = {*names}
        before = {
            place: known if place in _ALWAYS else {name: known[name] for name in wanted & known.keys()}
            for place, known in before.items()
        }
        for place in before.keys() & _OPEN:
            before[place] = dict.fromkeys(wanted, nothing) | before[place]
        before = {place: known for place, known in before.items() if known}
    return differences(before, snapshot(shell, before))


@functools.lru_cache(maxsize=1024)
def names_to_look_at(source: str) -> frozenset[str] | None:
    """The words of a cell, one of which is the name of whatever it replaces; None where it has means to replace what
    it does not name."""
    text = unicodedata.normalize("NFKC", source)  # as Python reads names
    words = frozenset(re.findall(r"\w+", text))
    if _COMMAND.search(text) or words & _MEANS or any(word.startswith("__") for word in words):
        return None
    return words


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """What is not as it was, by name. What was added (a library imported since) is no difference, but a hook is."""
    changed = []
    for name, known in before.items():
        now = after.get(name, {})
        if now == known:
            continue
        changed += [f"{name}.{key}" for key, number in known.items() if now.get(key) != number]
        changed += [f"{name}.{key}" for key in now.keys() - known.keys()]
    return sorted(changed)[:_TOO_MANY]


def _holders(before: Snapshot | None = None) -> Iterator[tuple[str, Any]]:
    """Modules and classes with what they are called here; with ``before``, those that are in it."""
    if before is not None:
        yield from ((place, holder) for place in before if (holder := _holder(place)) is not None)
        return
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
