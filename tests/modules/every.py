"""What the tests of this folder look at: every module in solutions/, its notebooks, and their text."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from course_lib.workbook.modules import Module, all_modules

ROOT = Path(__file__).resolve().parents[2]
MODULES = all_modules(ROOT)
REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)\n(.*?)### END \1", re.DOTALL)


@cache
def notebook(path: Path) -> nbformat.NotebookNode:
    """A built notebook."""
    return nbformat.read(path, as_version=4)


@cache
def texts(module: Module, name: str) -> list[str]:
    """The Markdown cells of a solution notebook, in order."""
    return [cell.source for cell in notebook(module.solution(name)).cells if cell.cell_type == "markdown"]


def code_cells(module: Module, name: str) -> list[nbformat.NotebookNode]:
    """The code cells of a solution notebook, in order."""
    return [cell for cell in notebook(module.solution(name)).cells if cell.cell_type == "code"]


def headings(module: Module, name: str) -> list[str]:
    """All headings, without their marks."""
    lines = [line for text in texts(module, name) for line in _outside_fences(text)]
    return [line.lstrip("#").strip() for line in lines if re.match(r"#{1,6} ", line)]


def links(text: str) -> list[str]:
    """Where Markdown links and images lead."""
    plain = "\n".join(_outside_fences(text))
    return re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", plain) + re.findall(
        r"(?:src|href)=\"([^\"]+)\"", plain
    )


def asserts(source: str) -> list[ast.Assert]:
    """The assert statements in a piece of code."""
    return [node for node in ast.walk(ast.parse(_without_magics(source))) if isinstance(node, ast.Assert)]


def imports(source: str) -> set[str]:
    """The modules that a piece of code imports, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(_without_magics(source))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _without_magics(source: str) -> str:
    """Plain Python; what stands under a cell magic such as %%time is Python, too."""
    return TransformerManager().transform_cell(re.sub(r"\A\s*%%.*\n", "", source))


def _outside_fences(text: str) -> list[str]:
    lines, fenced = [], False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            lines.append(line)
    return lines
