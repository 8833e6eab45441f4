"""What the service says to those who run it: one form for every line, and no secret in any of them.

Passwords hide in addresses of databases, and addresses stand in the messages of drivers; values of rows (whose ride it
was) stand in the messages of databases. So every text passes :func:`discreet` before it is logged or told, and
of an error only the first line is told: what follows it are statements and their values.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from typing import Any

STORE = "TAXI_STORE"  # the environment's variable with the prediction store's URL
_HIDDEN = "***"
# scheme://user:password@host; a password may hold anything but a blank, also an @
_IN_ADDRESS = re.compile(r"(?P<before>\w[\w+.-]*://[^\s:/@]*:)[^\s]*(?=@)")
_IN_WORDS = re.compile(
    r"(?P<before>\b(?:password|passwd|pwd|token|secret|api_key)\b['\"]?\s*[=:]\s*['\"]?)[^\s'\"&;,]+", re.I
)
_log = logging.getLogger(__name__)


def discreet(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without passwords in addresses, without what is called a password, and without ``secrets``."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return _IN_WORDS.sub(rf"\g<before>{_HIDDEN}", _IN_ADDRESS.sub(rf"\g<before>{_HIDDEN}", text))


def told(error: BaseException) -> str:
    """An error as people may see it: its kind and the first line of its message."""
    first = next(iter(str(error).splitlines()), "")
    return discreet(f"{type(error).__name__}: {first}" if first else type(error).__name__, _known())


class Discreet(logging.Formatter):
    """Lines with time, level and process, tracebacks included, without secrets."""

    def __init__(self, fmt: str = "%(asctime)s %(levelname)s [%(process)d] %(message)s", **given: Any) -> None:
        given.pop("datefmt", None)
        super().__init__(fmt, **given)
        self.secrets = _known()

    def format(self, record: logging.LogRecord) -> str:
        """The record as it is printed."""
        return discreet(super().format(record), self.secrets)


def configuration() -> dict[str, Any]:
    """For logging.config.dictConfig: everything to stderr, warnings of everybody and what this package has to say."""
    here = f"{Discreet.__module__}.{Discreet.__name__}"
    own = {"level": "INFO"}
    return {
        "formatters": {"discreet": {"()": here}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "discreet", "stream": "ext://sys.stderr"}
        },
        "root": {"level": "WARNING", "handlers": ["console"]},
        "loggers": {"_granian": own, "granian.access": own, "course_lib": own},
    }


def catch_threads() -> None:
    """Errors that end a thread are logged, not printed: printing knows no secrets."""

    def log(ended: Any) -> None:
        name = ended.thread.name if ended.thread else "a thread"
        _log.error("%s ended", name, exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback))

    threading.excepthook = log


def _known() -> tuple[str, ...]:
    """The password of the prediction store, as it is and as it stands in an address."""
    from urllib.parse import unquote

    found = re.match(r"[^:]+://[^:/@]*:(?P<password>.*)@", os.environ.get(STORE, ""))
    if found is None or not found["password"]:
        return ()
    return tuple({found["password"], unquote(found["password"])})
