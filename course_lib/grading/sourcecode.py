"""What the text of a cell says without running it: the names it defines, reads and imports."""

from __future__ import annotations

import ast
import functools
import re
import symtable
from contextlib import suppress
from typing import Any

_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")


@functools.lru_cache(maxsize=512)
def bound_names(source: str) -> frozenset[str]:
    """The names that a cell defines at its top level."""
    tree = parse(source)
    finder = _Bound()
    finder.visit(tree)
    return frozenset(finder.names)


@functools.lru_cache(maxsize=512)
def global_names(source: str) -> frozenset[str]:
    """The names that a cell, or a function in it, reads without having them itself."""
    table = _symbols(source)
    if table is None:
        return frozenset()
    names, tables = set(), [table]
    while tables:
        scope = tables.pop()
        tables += scope.get_children()
        here = scope is table
        names |= {s.get_name() for s in scope.get_symbols() if s.is_referenced() and (here or s.is_global())}
    return frozenset(names)


def _symbols(source: str) -> symtable.SymbolTable | None:
    for text in (str, lambda cell: ast.unparse(parse(cell))):  # as it is, or without IPython's own lines
        with suppress(SyntaxError, ValueError, RecursionError):
            return symtable.symtable(text(source), "cell", "exec")
    return None


@functools.lru_cache(maxsize=512)
def imported_modules(source: str) -> frozenset[str]:
    """The modules that a cell imports, by full name."""
    if "import" not in source:
        return frozenset()
    tree = parse(source)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


class _Bound(ast.NodeVisitor):
    """Collects names bound outside functions and classes."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_FunctionDef(self, node: Any) -> None:
        self.names.add(node.name)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Its arguments are its own."""

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)

    def visit_alias(self, node: ast.alias) -> None:
        self.names.add((node.asname or node.name).partition(".")[0])


@functools.lru_cache(maxsize=512)
def words(source: str) -> frozenset[str]:
    """The words of a text, also those in quotes; what stands behind a dot is an attribute of something else."""
    return frozenset(_WORD.findall(source))


def without_regions(source: str, region: str, stub: str | None = None) -> str:
    """A cell's text without what stands between ``BEGIN region`` and ``END region``, as nbgrader takes it out."""
    lines, inside = [], False
    for line in source.split("\n"):
        if f"BEGIN {region}" in line:
            inside = True
            if stub is not None:
                indent = line[: len(line) - len(line.lstrip())]
                lines += [indent + part for part in stub.split("\n")]
        elif f"END {region}" in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


@functools.lru_cache(maxsize=256)
def parse(source: str) -> ast.Module:
    """A cell's syntax tree, to be read only; IPython's own lines left out, empty where it is not Python."""
    for text in (str, _bare):
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            return ast.parse(text(source))
    return ast.Module([], [])


def _bare(source: str) -> str:
    return "\n".join(re.sub(r"^(\s*)(%|!(?!=)).*", r"\1pass", line) for line in source.split("\n"))
