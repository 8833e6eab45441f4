"""What a student's code tried that is not asked for.

This runs inside the student's process, so code that goes to great lengths can hide from it. It is there to show a
person where to look; no point given by a test that runs in the judge's process depends on it.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable
from typing import Any

CELL = "<cell "

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
