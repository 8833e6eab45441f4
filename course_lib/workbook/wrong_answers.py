"""Wrong answers that authors keep beside an exercise: small files that say which task, what it costs, and the code.

A file begins with ``# task: clean_trips``, ``# loses: 3`` and ``# why: …``; what follows is the whole answer cell
as a student might have written it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError

_HEADER = re.compile(r"#\s*(task|loses|why)\s*:\s*(.*?)\s*$")
_FORM = "it begins with the lines “# task: name of the answer”, “# loses: points” and “# why: …”, then comes the code"


class WrongAnswerError(CourseError):
    """A file of ``wrong_answers/`` that can't be used; the message lists every problem by file and line."""


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible mistake: ``code`` in place of the answer cell of ``task`` must lose exactly ``loses`` points."""

    path: Path
    task: str
    loses: float
    why: str
    code: str

    @property
    def name(self) -> str:
        """How tables and messages call it."""
        return self.path.stem


def read_wrong_answers(folder: Path, tasks: Mapping[str, float]) -> list[WrongAnswer]:
    """All wrong answers in a folder, by file name; ``tasks`` are the module's answers and the points of each.

    Raises WrongAnswerError with every problem of every file.
    """
    found, problems = [], []
    for path in sorted(folder.glob("*.py")):
        result = _read(path, tasks)
        if isinstance(result, WrongAnswer):
            found.append(result)
        else:
            problems += [f"{path}:{line}: {problem}" for line, problem in result]
    if problems:
        raise WrongAnswerError("\n".join(problems))
    return found


def _read(path: Path, tasks: Mapping[str, float]) -> WrongAnswer | list[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return [(1, f"cannot be read: {error}")]
    header: dict[str, str] = {}
    while len(header) < len(lines) and (match := _HEADER.match(lines[len(header)])) and match[1] not in header:
        header[match[1]] = match[2]
    code = "\n".join(lines[len(header) :]).strip("\n")
    problems = [(1, f"no “{name}”: {_FORM}") for name in ("task", "loses", "why") if not header.get(name)]
    problems += _code_problems(path, code, len(lines) - len(code.splitlines()))
    if header.get("task") and header["task"] not in tasks:
        near = difflib.get_close_matches(header["task"], tasks, n=1)
        hint = f"; did you mean “{near[0]}”?" if near else f"; answers are {', '.join(tasks)}"
        problems.append((1, f"no cell answers “{header['task']}”{hint}"))
    loses = _number(header.get("loses", ""))
    if header.get("loses"):
        most = tasks.get(header.get("task", ""), float("inf"))
        if loses is None or not 0 < loses <= most:
            problems.append((1, f"loses is “{header['loses']}”, and should be a number above 0 and at most {most:g}"))
    if problems or loses is None:
        return problems
    return WrongAnswer(path, header["task"], loses, header["why"], code)


def _code_problems(path: Path, code: str, lines_before: int) -> list[tuple[int, str]]:
    if not code.strip():
        return [(1, f"no code: {_FORM}")]
    try:
        compile(code, path.name, "exec")
    except SyntaxError as error:
        return [(lines_before + (error.lineno or 1), f"the code is no Python: {error.msg}")]
    return []


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
