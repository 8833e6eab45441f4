"""How commands speak: people read stderr, programs read one JSON object on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from course_lib.errors import CourseError, UsageError


def fail(error: CourseError) -> int:
    """Print an error the way every command does and return its exit code."""
    print(f"Error: {error}", file=sys.stderr)
    return 2 if isinstance(error, UsageError) else 1


def emit(result: dict[str, Any]) -> None:
    """Print the one JSON object of a ``--json`` command: indented for a person, on one line for a program.

    Python indents with its slow encoder: a second for a class of 240.
    """
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(result, indent=indent, default=str, ensure_ascii=False))


def say(message: str = "") -> None:
    """Tell a person something: always stderr, so that stdout stays clean for programs."""
    print(message, file=sys.stderr, flush=True)
