"""The instructor's cells as code: compiled once by a worker, run in many processes, and what a test's value means."""

from __future__ import annotations

import ast
import functools
import marshal
import math
from types import CodeType
from typing import Any

from course_lib.grading.processes.describe import safe_text

Code = tuple[CodeType, CodeType | None]


def split(source: str, name: str) -> Code:
    """A cell's code objects: its statements, and its last expression or None (also where a ``;`` hides it)."""
    tree = ast.parse(source, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        last = compile(ast.Expression(tree.body.pop().value), name, "eval")  # type: ignore[attr-defined]
    return compile(tree, name, "exec"), last


@functools.lru_cache(maxsize=1024)
def compiled(source: str, name: str) -> bytes:
    """A cell's code to send to another process of this Python. Raises SyntaxError."""
    return marshal.dumps(split(source, name))


@functools.lru_cache(maxsize=1024)
def packed(source: str, name: str) -> bytes:
    """A cell's code with its text, which is needed to quote a line that failed; only the text of what is no Python."""
    try:
        code: bytes | None = compiled(source, name)
    except (SyntaxError, ValueError):
        code = None
    return marshal.dumps((code, source))


def unpacked(body: bytes, name: str) -> tuple[Code, str]:
    """The inverse of `packed`. Raises SyntaxError for what is no Python."""
    code, source = marshal.loads(body)
    return split(source, name) if code is None else marshal.loads(code), source


def run(code: Code, namespace: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last line, if that is an expression."""
    statements, expression = code
    exec(statements, namespace)
    return eval(expression, namespace) if expression is not None else None


def credit(value: Any) -> dict[str, Any]:
    """A test's last value as credit: nothing means all of it, a number is partial, anything else is a mistake."""
    if value is None:
        return {"credit": None}
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if type(value) in (int, float) and math.isfinite(value):
        return {"credit": value}
    return {"credit": None, "invalid": f"the test gave {type(value).__name__} {safe_text(value, 80)} as credit"}
