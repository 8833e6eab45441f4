"""Questions about Python code that is read and never run: what it imports, defines, calls and asserts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
_IMPORT = re.compile(r"(?m)^\s*((?:from\s+[.\w]+\s+)?import\s+(?:\([^)]*\)|[^\n]*))")
_DEFINITION = re.compile(r"(?m)^\s*(?:async\s+)?def\s+\w+")
_WORD = re.compile(r"\w+")


def imports(tree: ast.Module | None) -> set[str]:
    """The first parts of the modules that a file imports, wherever in it; relative imports aside."""
    found = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def mentions(text: str, names: Iterable[str]) -> bool:
    """Whether a text could import one of these; a quick look, before the syntax tree is asked."""
    return any(f"import {name}" in text or f"from {name}" in text for name in names)


def imported_words(text: str) -> set[str]:
    """Every name in the import statements of a text: what is imported, and from where. No tree is needed."""
    return {word for statement in _IMPORT.findall(text) for word in _WORD.findall(statement)}


def defined(text: str) -> int:
    """How many functions and methods a text defines."""
    return len(_DEFINITION.findall(text))


def functions(tree: ast.Module | None) -> Iterator[Function]:
    """Every function and method."""
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, Function):
            yield node


def classes(tree: ast.Module | None) -> Iterator[ast.ClassDef]:
    """Every class."""
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.ClassDef):
            yield node


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a name or an attribute of one, ``b.c`` for one of something else; what a decorator calls."""
    if isinstance(node, ast.Call):
        return dotted(node.func)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def last_name(node: ast.AST) -> str:
    """The last part of :func:`dotted`."""
    return dotted(node).rpartition(".")[2]


def calls(tree: ast.AST | None) -> Iterator[ast.Call]:
    """Every call."""
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call):
            yield node


def lines_of_code(source: str) -> int:
    """Lines that are neither empty nor only a comment."""
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in source.splitlines())


def tests_of(tree: ast.Module | None) -> tuple[list[str], list[str]]:
    """The tests of a file (functions whose name begins with ``test``): those that hold a real assertion, and those
    that assert nothing, and so can only fail by accident."""
    found = list(functions(tree))
    helpers = {one.name for one in found if not one.name.startswith("test") and _asserts(one, set())}
    sound = [one for one in found if one.name.startswith("test") and _asserts(one, helpers)]
    return [one.name for one in sound], [one.name for one in found if one.name.startswith("test") and one not in sound]


def _asserts(function: Function, helpers: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not _is_constant(node.test):
            return True
        if isinstance(node, ast.Call):
            name = last_name(node.func)
            known = name in helpers or name in ("raises", "warns", "fail", "check", "approx")
            if known or (
                name.startswith(("assert", "assert_")) and node.args and not all(map(_is_constant, node.args))
            ):
                return True
    return False


def _is_constant(node: ast.AST) -> bool:
    """Whether an expression is the same whatever the code under test does: no name and no call in it."""
    return not any(isinstance(part, (ast.Name, ast.Call, ast.Attribute)) for part in ast.walk(node))


def marks(tree: ast.Module | None) -> list[str]:
    """What a file's functions and classes are decorated with, what classes derive from, and what it calls."""
    found = [dotted(mark) for one in functions(tree) for mark in one.decorator_list]
    found += [dotted(base) for one in classes(tree) for base in one.bases]
    return found + [dotted(call.func) for call in calls(tree)]
