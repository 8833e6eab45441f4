"""What a person should look at: signs, in a student's code and in what it did, that it was not only answering.

A flag is never a verdict. Where tests run in the judge's process it changes no grade, for nothing that it points
at can change one there. Where a test has to run beside the student's code, grave flags make its points wait.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from course_lib.grading.assignment import ANSWER, Assignment, Cell
from course_lib.grading.sourcecode import parse

Flag = dict[str, str]

# kinds after which a test beside the student's code gives no points by itself
GRAVE = frozenset({"equality", "hooks", "tampering", "frames", "memory"})

_COMPARISONS = {
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__bool__",
    "__array_ufunc__",
    "__array_function__",
}
_HOOKS = (
    "input_transformers_cleanup", "input_transformers_post", "input_transformer_manager", "ast_transformers",
    "set_custom_exc", "register_post_execute", "showtraceback", "_showtraceback", "displayhook", "excepthook",
    "display_formatter", "run_cell", "run_code", "user_ns", "user_global_ns", "history_manager",
)  # fmt: skip
_FRAMES = {
    "_getframe", "_current_frames", "f_back", "f_locals", "f_globals", "f_code", "currentframe", "getouterframes",
    "getsource", "co_consts", "gi_frame", "tb_frame",
}  # fmt: skip
_MEMORY = {"get_objects", "get_referrers", "get_referents", "ctypes", "settrace", "setprofile", "addaudithook"}
_PROCESSES = {"fork", "forkpty", "Popen", "system", "spawnv", "Process", "posix_spawn", "kill", "killpg"}
_THREADS = {"Thread", "Timer", "start_new_thread", "ThreadPoolExecutor", "register"}
_EXITS = {"_exit", "abort"}
_PLACES = re.compile(
    r"gradebook|hidden.?tests?|solutions[/\\]|/proc/|(exercises|quiz)[\w ()-]*\.ipynb|autograded", re.I
)
_TAMPERED = {"builtins", "__builtins__", "testing", "numpy", "np", "pandas", "pd", "course_lib", "sys", "unittest"}


def scan(code: Iterable[tuple[str, str]]) -> list[Flag]:
    """Signs in the text of a student's cells, given as (name, source)."""
    flags: list[Flag] = []
    for name, source in code:
        for kind, what in _signs_in(source):
            flag = {"kind": kind, "where": name, "what": what}
            if flag not in flags:
                flags.append(flag)
    return flags


def grave(found: Iterable[Flag], assignment: Assignment) -> list[str]:
    """The kinds of grave flags among those found; a sign that the instructor's own solution shows is none."""
    own = {
        flag["kind"] for flag in scan((cell.name, cell.solution) for cell in assignment.cells if cell.kind == ANSWER)
    }
    return sorted({flag["kind"] for flag in found} & GRAVE - own)


def from_execution(changed: Iterable[str], notices: Iterable[str]) -> list[Flag]:
    """Signs in what the code did while it ran."""
    flags = [{"kind": "tampering", "where": "", "what": f"replaced {name}"} for name in changed]
    for notice in notices:
        kind = next((k for word, k in _NOTICED.items() if word in notice), "places")
        flags.append({"kind": kind, "where": "", "what": notice})
    return flags


def looked_up(assignment: Assignment, test: Cell, answer: Cell, source: str) -> Flag | None:
    """Whether an answer holds the visible test's own numbers and texts, which neither task nor solution does."""
    shown = " ".join([cell.released for cell in assignment.cells if cell.kind != "test"] + [answer.solution])
    expected = {text for text in _literals(parse(test.released)) if text not in shown}
    found = sorted(expected & _literals(parse(source)))
    if len(found) < 2:
        return None
    return {
        "kind": "looked up",
        "where": answer.name,
        "what": f"holds what {test.name} expects: {', '.join(found[:5])}",
    }


_NOTICED = {
    "frames": "frames", "traced": "memory", "audit hook": "memory", "memory": "memory", "ctypes": "memory",
    "process": "processes", "network": "network", "replaced the code": "tampering",
}  # fmt: skip


@functools.lru_cache(maxsize=1024)
def _signs_in(source: str) -> tuple[tuple[str, str], ...]:
    return tuple(_signs(parse(source)))  # most cells of a class are the same in every hand-in


def _signs(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            defined = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
            if own := sorted(defined & _COMPARISONS):
                yield "equality", f"class {node.name} defines {', '.join(own)}"
        elif isinstance(node, ast.Attribute | ast.Name):
            yield from _word(node.attr if isinstance(node, ast.Attribute) else node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 500:
            if match := _PLACES.search(node.value):
                yield "places", f"mentions {match[0]}"
            yield from (sign for sign in _word(node.value) if sign[0] in ("frames", "memory", "hooks"))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            if "ctypes" in modules:
                yield "memory", "imports ctypes"
            if any(name.startswith("course_lib.grading") for name in modules):
                yield "tampering", "imports the grader"
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete | ast.Call):
            yield from _replaced(node)


def _word(word: str) -> Iterator[tuple[str, str]]:
    for kind, words in (
        ("hooks", _HOOKS),
        ("frames", _FRAMES),
        ("memory", _MEMORY),
        ("processes", _PROCESSES),
        ("threads", _THREADS),
        ("exit", _EXITS),
    ):
        if word in words:
            yield kind, f"uses {word}"


def _replaced(node: Any) -> Iterator[tuple[str, str]]:
    """Assignments to what belongs to Python or a library: ``np.testing.assert_allclose = …``, ``setattr(pd, …)``."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if (
            name in ("setattr", "delattr", "patch", "object")
            and node.args
            and (root := _root(node.args[0])) in _TAMPERED
        ):
            yield "tampering", f"{name} on {root}"
        return
    targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
    for target in targets:
        if isinstance(target, ast.Attribute | ast.Subscript) and _root(target) in _TAMPERED and not _is_option(target):
            yield "tampering", f"assigns {ast.unparse(target)[:60]}"


def _is_option(target: ast.AST) -> bool:
    """``pd.options.display.max_rows = 5`` is what it is for."""
    return "options" in ast.unparse(target)


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")


def _literals(tree: ast.Module) -> set[str]:
    """Numbers of three digits or more, and texts of four letters or more, that a person would not use by chance."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            value = node.value
            if type(value) in (int, float) and len(re.sub(r"\D", "", f"{value:g}").strip("0")) >= 3:
                found.add(f"{value:g}")
            elif type(value) is str and 4 <= len(value) <= 60 and " " not in value:
                found.add(value)
    return found
