"""Which names a cell needs from the cells before it, and which it makes anew, whatever was there before.

As a compiler's liveness analysis, on the side of caution: a name is needed unless the cell surely defines it first.
"""

from __future__ import annotations

import ast
import symtable
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True)
class Names:
    """``may_define``: names that the cell may define. ``defines``: those that are surely its own at its end, unless it
    fails on the way. ``needs``: those that it may read as other cells have left them. ``imports``: what it imports at
    its top, and does nothing else with: the name, and what is imported under it."""

    may_define: frozenset[str] = frozenset()
    defines: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    imports: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def names_of(code: str) -> Names | None:
    """The names of a cell; None for what is no plain Python."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return None
    flow = _Flow()
    defined = flow.through(tree.body, set())
    made = Counter(name for node in ast.walk(tree) for name in _made_by(node))
    imports = {name: origin for node in tree.body for name, origin in _imports(node) if made[name] == 1}
    return Names(frozenset(made), frozenset(defined), frozenset(flow.needs), imports)


def _imports(node: ast.stmt) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            whence = f"{'.' * node.level}{node.module} " if isinstance(node, ast.ImportFrom) else ""
            for name in _made_by(alias):
                yield name, whence + (alias.name if alias.asname or whence else name)


class _Flow:
    """Goes through statements in the order in which they run."""

    def __init__(self) -> None:
        self.needs: set[str] = set()

    def through(self, statements: Iterable[ast.stmt], before: set[str]) -> set[str]:
        """What is surely defined after the statements, if ``before`` is before them."""
        defined = set(before)
        for statement in statements:
            defined = self._after(statement, defined)
        return defined

    def _after(self, node: ast.stmt, defined: set[str]) -> set[str]:
        if isinstance(node, ast.If):
            self._read(node.test, defined)
            return self.through(node.body, defined) & self.through(node.orelse, defined)
        if isinstance(node, ast.For | ast.AsyncFor):
            self._read(node.iter, defined)
            self.through(node.body, defined | _made_in(node.target))
            self.through(node.orelse, defined)
            return defined
        if isinstance(node, ast.While):
            self._read(node.test, defined)
            self.through(node.body, defined)
            self.through(node.orelse, defined)
            return defined
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self._read(item.context_expr, defined)
                defined = defined | (_made_in(item.optional_vars) if item.optional_vars else set())
            self.through(node.body, defined)
            return defined  # it may end what happens inside, as `suppress` does
        if isinstance(node, ast.Try):
            return self._after_try(node, defined)
        self._read(node, defined)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self.needs |= {node.target.id} - defined
        if isinstance(node, ast.Delete):
            return defined - _made_in(*node.targets)
        return defined | _surely_made_by(node)

    def _after_try(self, node: ast.Try, defined: set[str]) -> set[str]:
        done = self.through(node.orelse, self.through(node.body, defined))
        for handler in node.handlers:
            if handler.type is not None:
                self._read(handler.type, defined)
            handled = self.through(handler.body, defined | ({handler.name} if handler.name else set()))
            if not isinstance(handler.body[-1], ast.Raise):
                done &= handled - {handler.name}
        self.through(node.finalbody, defined)
        return done

    def _read(self, node: ast.AST, defined: set[str]) -> None:
        self.needs |= _read_by(node) - defined


def _read_by(node: ast.AST) -> set[str]:
    """Global names that a piece of code reads; names of its functions' and comprehensions' own are not among them."""
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    at_top = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    return at_top | {
        symbol.get_name()
        for inner in _below(table)
        for symbol in inner.get_symbols()
        if symbol.is_referenced() and symbol.is_global()
    }


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)


def _surely_made_by(node: ast.stmt) -> set[str]:
    """What is there after a simple statement. Names of comprehensions in it are their own."""
    if isinstance(node, ast.Assign):
        return _made_in(*node.targets)
    if isinstance(node, ast.AnnAssign):
        return _made_in(node.target) if node.value is not None else set()
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _made_in(*node.names)
    return _made_by(node)


def _made_in(*nodes: ast.AST) -> set[str]:
    return {name for node in nodes for part in ast.walk(node) for name in _made_by(part)}


def _made_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.alias):
        return {(node.asname or node.name).partition(".")[0]}
    return {node.name} if isinstance(node, ast.ExceptHandler) and node.name else set()
