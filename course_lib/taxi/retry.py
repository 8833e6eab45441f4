"""Trying again: what may pass by itself, after waits that grow, and never what would only fail the same way."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from course_lib.errors import CourseError

T = TypeVar("T")

# Of the errors that the operating system raises, these stay as they are until somebody does something.
_LASTING = (PermissionError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
_DISK_FULL = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}
# Errors of ours and of libraries that pass; by name, so that nobody has to import what isn't used.
_PASSING = {"NoNetwork", "ServerFailed", "Truncated", "TrackingLocked", "CommClosedError", "Unreachable"}


def may_retry(error: BaseException) -> bool:
    """Whether another attempt may go better.

    Yes for connections, timeouts, a busy server, a locked database, and the operating system's other troubles. No
    for a question that was wrong, a contract that was broken, a month that isn't published, a missing file or right,
    a full disk, and for mistakes in the code: they would fail again, later.
    """
    if type(error).__name__ in _PASSING:
        return True
    if isinstance(error, CourseError):
        return False
    if isinstance(error, OSError):
        return not isinstance(error, _LASTING) and error.errno not in _DISK_FULL
    return "database is locked" in str(error)


def call(
    function: Callable[[], T],
    *,
    attempts: int = 3,
    first_wait: float = 0.5,
    factor: float = 2.0,
    may_retry: Callable[[BaseException], bool] = may_retry,
    wait: Callable[[float], None] = time.sleep,
    tell: Callable[[str], None] | None = None,
) -> T:
    """Call ``function`` until it succeeds, at most ``attempts`` times, and return what it returned.

    Between attempts it waits ``first_wait`` seconds, then ``factor`` times as long each time: a server in trouble is
    given room. ``tell`` hears of each failure that is tried again. Raises the last error, with those before it noted,
    and at once an error that ``may_retry`` says no to.
    """
    seconds = first_wait
    for attempt in range(1, attempts + 1):
        try:
            return function()
        except Exception as error:
            if attempt == attempts or not may_retry(error):
                if attempt > 1:
                    error.add_note(f"This was attempt {attempt} of {attempts}.")
                raise
            if tell is not None:
                tell(f"attempt {attempt} of {attempts} failed ({error}); trying again in {seconds:g} s")
        wait(seconds)
        seconds *= factor
    raise ValueError("attempts must be at least 1")
