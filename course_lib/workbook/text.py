"""Read an author's text: a notebook in MyST Markdown, with the workbook's short cell options.

Jupytext reads the Markdown; `options` turns the short options into nbgrader's metadata. Every problem of a
file is gathered and reported at once, each with file and line, so that an author mends them in one go.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.workbook.options import Located, expand_options
from course_lib.workbook.quick_import import notebook_library

if TYPE_CHECKING:
    from nbformat import NotebookNode

_HEADER_KEYS = ("jupytext", "kernelspec", "title", "summary", "minutes")
_HEADER_EXAMPLE = (
    "begin the file with\n"
    "---\n"
    "jupytext: {text_representation: {extension: .md, format_name: myst}}\n"
    "kernelspec: {display_name: Python 3, language: python, name: python3}\n"
    "title: …\n"
    "---"
)
_STRANGE_DIRECTIVE = re.compile(r"^ {0,3}(?:```+|~~~+) ?\{(?!code-cell\}|raw-cell\})([\w-]*)\}?", re.MULTILINE)
_DIRECTIVES = "code goes into {code-cell}, diagrams into a plain ```mermaid block"
_TERM = re.compile(r"🔔 \*\*([^*\n]+)\*\*(?!: \S)")
_WRITTEN = re.compile(r'^\+\+\+ .*"written"\s*:\s*"([^"]*)"', re.MULTILINE)


class TextError(CourseError):
    """An author's text that cannot become a notebook; the message lists every problem as ``file:line: problem``."""

    def __init__(self, path: Path, problems: list[tuple[int, str]]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(f"{path}:{line}: {problem}" for line, problem in self.problems))


@dataclass(frozen=True)
class Text:
    """An author's notebook: its cells with nbgrader metadata, and what the header says about it."""

    cells: list[NotebookNode]
    title: str
    summary: str
    minutes: int | None


def read_text(path: Path, *, needs_summary: bool = False) -> Text:
    """Read one MyST Markdown notebook.

    ``needs_summary`` asks for the header's ``summary`` and ``minutes`` too, which the start page shows of a
    lesson. Raises TextError with every problem found.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"cannot read {path}: {error}") from error
    header, cells = _parse(path, text)
    problems = _header_problems(header, needs_summary)
    problems += _text_problems(text, cells)
    problems += expand_options(cells)
    if problems:
        raise TextError(path, problems)
    minutes = header.get("minutes")
    return Text([c.cell for c in cells], str(header["title"]), str(header.get("summary", "")), minutes)


def read_header(path: Path) -> dict[str, Any]:
    """The header's entries alone, and none where it cannot be read: `read_text` says what is wrong with it."""
    import yaml

    try:
        parts = path.read_text(encoding="utf-8-sig").split("---\n", 2)
        header = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return header if isinstance(header, dict) else {}


def _parse(path: Path, text: str) -> tuple[dict[str, Any], list[Located]]:
    """The header and the cells with the lines they begin at, as Jupytext reads them."""
    nbformat = notebook_library("nbformat")
    import yaml
    from jupytext.myst import MystMetadataParsingError, myst_to_notebook

    if not text.startswith("---\n"):
        raise TextError(path, [(1, f"no header: {_HEADER_EXAMPLE}")])
    try:
        if not isinstance(yaml.safe_load(text.split("---\n", 2)[1]), dict):
            raise TextError(path, [(1, f"the header is not a list of “name: value” lines; {_HEADER_EXAMPLE}")])
        notebook = myst_to_notebook(text, add_source_map=True)
    except (MystMetadataParsingError, yaml.YAMLError) as error:
        raise TextError(path, [(_error_line(error), " ".join(str(error).split()))]) from error
    except nbformat.ValidationError as error:
        # what Jupytext checks while it makes a cell: of our options, only tags can have a wrong form
        raise TextError(
            path, [(_tags_line(text), f"tags is {error.instance!r}, and should be like [parameters]")]
        ) from error
    lines = text.splitlines()
    starts = notebook.metadata.pop("source_map")
    cells = [_locate(cell, lines, start) for cell, start in zip(notebook.cells, starts, strict=True)]
    return json.loads(json.dumps(notebook.metadata, default=str)), cells


def _error_line(error: Exception) -> int:
    """The line that Jupytext names, or else the one in the header at which YAML gave up."""
    named = re.search(r"at line (\d+)", str(error))
    mark = getattr(error, "problem_mark", None)
    return int(named[1]) if named else mark.line + 2 if mark else 1


def _tags_line(text: str) -> int:
    """The first line that gives tags in another form than a list."""
    lines = enumerate(text.splitlines(), 1)
    return next((n for n, line in lines if re.match(r':tags:(?!\s*\[)|\+\+\+.*"tags":(?!\s*\[)', line)), 1)


def _locate(cell: NotebookNode, lines: list[str], start: int) -> Located:
    """Find where in the file a cell's own text begins; Jupytext's count includes options and blank lines."""
    source = [line.rstrip() for line in cell.source.split("\n")]
    for first in range(max(start - 1, 0), len(lines)):
        if [line.rstrip() for line in lines[first : first + len(source)]] == source:
            return Located(
                cell, start if cell.cell_type == "code" or "written" in cell.metadata else first + 1, first + 1
            )
    return Located(cell, start, start)


def _header_problems(header: dict[str, Any], needs_summary: bool) -> list[tuple[int, str]]:
    problems = []
    for key in header:
        if key not in (*_HEADER_KEYS, "jupyter"):  # Jupytext notes the cells' lexer under "jupyter"
            near = difflib.get_close_matches(key, _HEADER_KEYS, n=1)
            hint = f"; did you mean “{near[0]}”?" if near else f"; known are {', '.join(_HEADER_KEYS)}"
            problems.append((1, f"the header has an unknown entry “{key}”{hint}"))
    needed = ("title", "summary", "minutes") if needs_summary else ("title",)
    problems += [(1, f"the header has no {key}") for key in needed if not header.get(key)]
    minutes = header.get("minutes")
    if minutes is not None and (not isinstance(minutes, int) or isinstance(minutes, bool) or minutes <= 0):
        problems.append((1, f"minutes is {minutes!r}, and should be a whole number such as 60"))
    return problems


def _text_problems(text: str, cells: list[Located]) -> list[tuple[int, str]]:
    """What Jupytext reads without complaint and the author cannot have meant."""
    problems = [
        (
            c.body + c.cell.source.count("\n", 0, match.start()),
            f"JupyterLab does not know {{{match[1]}}}: {_DIRECTIVES}",
        )
        for c in cells
        if c.cell.cell_type == "markdown"
        for match in _STRANGE_DIRECTIVE.finditer(c.cell.source)
    ]
    problems += [
        (c.body + c.cell.source.count("\n", 0, m.start()), f"the term “{m[1]}” has no meaning: 🔔 **{m[1]}**: …")
        for c in cells
        if c.cell.cell_type == "markdown"
        for m in _TERM.finditer(c.cell.source)
    ]
    read = {c.cell.metadata.get("written") for c in cells}
    lost = [match for match in _WRITTEN.finditer(text) if match[1] not in read]
    return problems + [
        (text.count("\n", 0, match.start()) + 1, f"the written answer “{match[1]}” has no text") for match in lost
    ]
