"""Parameters of a notebook: read from the command line, checked against the notebook before anything starts.

A notebook says which parameters it has, and of which type, in its cell tagged ``parameters``; papermill alone
would only warn about one that isn't there, and run on with the default.
"""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import UsageError
from course_lib.workbook.quick_import import notebook_library

if TYPE_CHECKING:
    from nbformat import NotebookNode

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_ASKS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a JSON list such as [1, 2]",
    "dict": 'a JSON object such as {"a": 1}',
}


@dataclass(frozen=True)
class Parameter:
    """A parameter that a notebook takes: its name, its type (``""`` when any will do) and its default's text."""

    name: str
    type: str
    default: str


def parse_assignments(assignments: Iterable[str]) -> dict[str, str]:
    """Split ``name=value`` texts. Raises UsageError for one without ``=``, without a name, or given twice."""
    values: dict[str, str] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise UsageError(f"-p wants name=value, such as -p month=2021-03; “{text}” is not of that form.")
        if name in values:
            raise UsageError(f"the parameter “{name}” is given twice.")
        values[name] = value
    return values


def known_parameters(notebook: NotebookNode) -> dict[str, Parameter]:
    """The parameters in a notebook's cell tagged ``parameters``; none when it has no such cell."""
    notebook_library("papermill")
    from papermill import inspect_notebook

    return {
        name: Parameter(name, _type(found["inferred_type_name"], found["default"]), found["default"])
        for name, found in inspect_notebook(notebook).items()
    }


def settle(given: Mapping[str, str], notebooks: Mapping[Path, Mapping[str, Parameter]]) -> dict[Path, dict[str, Any]]:
    """Typed values for each notebook: each gets those that it knows.

    ``notebooks`` maps a notebook's file to its parameters. Raises UsageError for a parameter that none of them
    has (with the nearest name) and for a value of the wrong type.
    """
    everywhere = sorted({name for known in notebooks.values() for name in known})
    for name in given:
        if name not in everywhere:
            raise UsageError(_unknown(name, everywhere))
    return {
        notebook: {name: convert(text, known[name]) for name, text in given.items() if name in known}
        for notebook, known in notebooks.items()
    }


def convert(text: str, parameter: Parameter) -> Any:
    """A parameter's value from what was typed. Raises UsageError when it doesn't fit the parameter's type."""
    kind = parameter.type
    try:
        if kind == "str":
            return text
        if kind == "int":
            return int(text.replace("_", ""))
        if kind == "float":
            return float(text)
        if kind == "bool":
            return _WORDS[text.strip().lower()]
        value = _json_or_text(text)
    except (ValueError, KeyError):
        value = None
    if kind in ("list", "dict") and type(value).__name__ == kind:
        return value
    if kind == "" and value is not None:
        return value
    raise UsageError(
        f"the parameter “{parameter.name}” wants {_ASKS.get(kind, 'a value')}, and “{text}” is none. "
        f"Its default is {parameter.default}."
    )


def _type(annotated: str, default: str) -> str:
    """One of int, float, bool, str, list, dict, or "": from the annotation, else from the default."""
    name = annotated.split("[")[0].strip().lower()
    if name in (*_ASKS, "str"):
        return name
    try:
        value = ast.literal_eval(default)
    except (ValueError, SyntaxError):
        return ""
    kind = type(value).__name__
    return {"tuple": "list", "NoneType": "", "set": ""}.get(kind, kind)


def _json_or_text(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if value is None else value


def _unknown(name: str, known: list[str]) -> str:
    if not known:
        return f"there is no parameter “{name}”: none of these notebooks has a cell tagged “parameters”."
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean “{near[0]}”? " if near else ""
    return f"there is no parameter “{name}”. {hint}These notebooks take: {', '.join(known)}."
