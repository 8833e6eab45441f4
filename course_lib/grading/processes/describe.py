"""Errors and values in words, whatever a student's classes do when asked for them."""

from __future__ import annotations

import linecache
import traceback
from typing import Any

from course_lib.grading.integrity import CELL


def describe_error(error: BaseException | None) -> dict[str, Any]:
    """An error as a notebook keeps it; of its traceback, only lines of the notebook's cells, without paths."""
    name, text = type(error).__name__, safe_text(error)
    lines = [f"{name}: {text}"]
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}" + (f": {error.text.strip()}" if isinstance(error.text, str) else "")
        lines.insert(0, f"  {where}")
    elif error is not None:
        lines[:0] = own_lines(error)
    return {"ename": name, "evalue": text, "traceback": lines}


def own_lines(error: BaseException) -> list[str]:
    """Where the error passed through the notebook's cells, outermost first, at most twelve lines."""
    lines = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if file.startswith(CELL) and (code := linecache.getline(file, number).strip()):
            cell, function = file.removeprefix(CELL)[:-1], frame.f_code.co_name
            place = cell if function in ("<module>", cell) else f"{cell}, {function}"
            lines.append(f"  {place}, line {number}: {code}")
    return lines if len(lines) <= 12 else [*lines[:6], "  …", *lines[-5:]]


def safe_text(value: Any, limit: int = 2000) -> str:
    """``str(value)``, whatever the value does when asked."""
    try:
        text = str(value)
    except Exception as error:
        text = f"(its text cannot be had: {type(error).__name__})"
    return text if len(text) <= limit else text[:limit] + " …"
