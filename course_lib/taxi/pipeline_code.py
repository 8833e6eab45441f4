"""Which code a step's result depends on, as one hash: change a line that matters, and the step is stale.

What counts for a step:

- its function, and what that uses of its own module: other functions, classes, constants, one by one;
- every module of this package that those import, whole, with all that they import in turn, also inside functions;
- the files of ``data/`` whose names appear in these modules as text.

What doesn't count: docstrings, comments, layout; modules for messages, paths and the way to a cluster
(``course_lib.errors``, ``course_lib.paths``, ``course_lib.cluster``); the records in ``pipeline_types``, which hold and
don't work; other libraries, whose versions stand in the key beside this hash. Counting a module whole may run a step
once too often; it never takes an old result for a new one. Sources are read, not imported: this takes a tenth of a
second, and works before anything heavy is loaded.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

PACKAGE = "course_lib.taxi"
#: Where each step's function is.
HOMES = {
    "ingest": "pipeline_steps",
    "validate": "pipeline_steps",
    "features": "pipeline_steps",
    "train": "pipeline_steps",
    "evaluate": "pipeline_steps",
    "register": "pipeline_register",
}
_RECORDS = {"pipeline_types"}
_HERE = Path(__file__).resolve().parent


def code_hash(step: str) -> str:
    """The hash of the code that ``step`` depends on: 64 hexadecimal digits. Raises KeyError for no step."""
    return hash_of(step, HOMES[step])


def hash_of(function: str, module: str) -> str:
    """The hash of the code that a function of one of this package's modules (``years.slices``) depends on."""
    return _code_hash(function, module, _HERE)


@lru_cache
def _code_hash(function: str, module: str, folder: Path) -> str:
    own, imported = _used_by(function, _parsed(_file(module, folder)), folder)
    parts = {f"{module}.{name}": _text(node) for name, node in own.items()}
    for name in _closure(imported, folder) - {module}:
        tree = _parsed(_file(name, folder))
        parts[name] = _text(tree)
        parts |= {f"data/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in _data(tree, folder)}
    told = "\n".join(f"{name} {text}" for name, text in sorted(parts.items()))
    return hashlib.sha256(told.encode()).hexdigest()


def _used_by(function: str, tree: ast.Module, folder: Path) -> tuple[dict[str, ast.AST], set[str]]:
    """The module's own definitions that ``function`` reaches, by name, and the package's modules that these use."""
    definitions = _definitions(tree)
    at_top = _imports(tree.body, folder)
    reached: dict[str, ast.AST] = {}
    modules: set[str] = set()
    todo = [function]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        node = reached[name] = definitions[name]
        modules |= set().union(*_imports(ast.walk(node), folder).values(), set())
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        modules |= set().union(*(at_top[name] for name in used & at_top.keys()), set())
        todo += sorted(used & definitions.keys())
    return reached, modules


def _definitions(tree: ast.Module) -> dict[str, ast.AST]:
    """What the module defines at its top level, by name."""
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
            found |= dict.fromkeys(names, node)
    return found


def _imports(nodes, folder: Path) -> dict[str, set[str]]:
    """The package's modules that these statements import, by the names under which they are used."""
    found: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = _inside(node.module)
            for alias in node.names:
                module = f"{inside}.{alias.name}".strip(".") if inside is not None else None
                chosen = module if module and _file(module, folder).is_file() else inside
                if chosen:
                    found.setdefault(alias.asname or alias.name, set()).add(chosen)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if inside := _inside(alias.name):
                    found.setdefault(alias.asname or alias.name.split(".")[0], set()).add(inside)
    return found


def _inside(module: str) -> str | None:
    """The module's name within the package; "" for the package itself, None for others."""
    if module == PACKAGE:
        return ""
    return module.removeprefix(f"{PACKAGE}.") if module.startswith(f"{PACKAGE}.") else None


def _closure(modules: set[str], folder: Path) -> set[str]:
    """These modules and all that they import of the package, in turn."""
    reached: set[str] = set()
    todo = set(modules)
    while todo:
        name = todo.pop()
        if name in reached | _RECORDS or not _file(name, folder).is_file():
            continue
        reached.add(name)
        tree = _parsed(_file(name, folder))
        todo |= set().union(*_imports(ast.walk(tree), folder).values(), set())
    return reached


def _file(module: str, folder: Path) -> Path:
    path = folder.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")


def _parsed(path: Path) -> ast.Module:
    """The module's tree without its docstrings."""
    return _parsed_at(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _parsed_at(path: Path, _written: int) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@lru_cache(maxsize=512)
def _text(node: ast.AST) -> str:
    return hashlib.sha256(ast.dump(node).encode()).hexdigest()


def _data(tree: ast.Module, folder: Path) -> Iterator[Path]:
    """The data files that a module names."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for text in sorted(texts):
        file = folder / "data" / text.removeprefix("data/")
        if "/" not in text.removeprefix("data/") and text.endswith((".csv", ".json")) and file.is_file():
            yield file
