"""A quiz as notebook cells: the question, a cell to answer in, and a locked cell that checks and grades.

The key and the reasons stand in hidden tests only, which nbgrader takes out of the release and puts back for
grading. The reasons are printed before anything can fail, so the feedback shows them whatever was answered. A
wrong answer fails an assertion; credit between nothing and all is the cell's last value. (nbgrader gives full
credit for a negative or non-numeric value, so neither can occur.)
"""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from course_lib.workbook.canonical import code_cell, markdown_cell
from course_lib.workbook.options import nbgrader_metadata
from course_lib.workbook.quiz import Multiple, Numeric, Question, Quiz, Single

if TYPE_CHECKING:
    from nbformat import NotebookNode

_INTRO = """# {title}

{count} questions, {points} points. Answer each in the cell below it, in place of `None`, and run that cell and the one
after it: it tells you whether your answer can be graded. Whether it is right, and why each option is or isn't, comes
with your graded notebook.

Where several options may be right, each right tick earns its share, each wrong tick takes a share away, and no question
falls below 0: ticking everything earns nothing.
"""
_HINT = {
    "single": 'one letter in quotes, such as {name} = "a"',
    "multiple": 'a list of letters, such as {name} = ["a", "b"]',
    "numeric": "a plain number{unit}, with a decimal point and without quotes",
}
_BEGIN, _END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


def quiz_cells(quiz: Quiz) -> list[NotebookNode]:
    """All cells of the quiz notebook, solution included, without navigation."""
    cells = [markdown_cell(_INTRO.format(title=quiz.title, count=len(quiz.questions), points=f"{quiz.points:g}"))]
    for number, question in enumerate(quiz.questions, 1):
        cells += _question_cells(number, question)
    return cells


def credit(question: Question, answer: object) -> float:
    """The points that a well-formed answer earns: what the hidden tests compute, for `verify` to compare with."""
    if isinstance(question, Single):
        return question.points if answer == question.key else 0.0
    if isinstance(question, Numeric):
        return question.points if abs(float(answer) - question.key) <= _slack(question) else 0.0  # type: ignore[arg-type]
    ticked, key = set(answer), set(question.key)  # type: ignore[call-overload]
    share = len(ticked & key) / len(key) - len(ticked - key) / (len(question.options) - len(key))
    return round(question.points * max(0.0, share), 2)


def _question_cells(number: int, question: Question) -> list[NotebookNode]:
    name = question.id
    solution = json.dumps(question.key) if not isinstance(question, Numeric) else f"{question.key:g}"
    if isinstance(question, Numeric):
        solution = repr(question.key)
    answer = f"# {_hint(question)}\n### BEGIN SOLUTION\n{name} = {solution}\n### END SOLUTION"
    return [
        markdown_cell(_question_text(number, question), nbgrader=nbgrader_metadata(f"{name}-question", locked=True)),
        code_cell(
            answer,
            course={"stub": f"{name} = None"},
            nbgrader=nbgrader_metadata(name, solution=True),
        ),
        code_cell(
            _test(question),
            nbgrader=nbgrader_metadata(f"{name}-test", grade=True, locked=True, points=_number(question.points)),
        ),
    ]


def _number(points: float) -> float:
    return int(points) if points == int(points) else points


def _hint(question: Question) -> str:
    unit = f" ({question.unit})" if isinstance(question, Numeric) and question.unit else ""
    return _HINT[question.type].format(name=question.id, unit=unit)


def _question_text(number: int, question: Question) -> str:
    points = f"{question.points:g} point" + ("" if question.points == 1 else "s")
    kind = {"single": "one answer", "multiple": "tick all that apply", "numeric": "a number"}[question.type]
    if isinstance(question, Numeric) and question.unit:
        kind += f", {question.unit}"
    lines = [f"### Question {number}", "", f"*{points} · {kind}*", "", question.question.strip()]
    if not isinstance(question, Numeric):
        lines.append("")
        lines += [f"- **{letter}** · {_hang(text)}" for letter, text in question.options.items()]
    return "\n".join(lines)


def _hang(text: str) -> str:
    return textwrap.indent(text.strip(), "  ").strip()


def _test(question: Question) -> str:
    name = question.id
    lines = [
        "# Can this answer be graded? Whether it is right, you learn from your graded notebook.",
        *_hidden(_feedback(question)),
        f"_answer = globals().get({name!r})",
        f'assert _answer is not None, "{name} is not answered yet: give {_quoted(_hint(question))}."',
    ]
    if isinstance(question, Numeric):
        return "\n".join(lines + _numeric(question))
    return "\n".join(lines + (_single(question) if isinstance(question, Single) else _multiple(question)))


def _single(question: Single) -> list[str]:
    letters, name, hint = list(question.options), question.id, _braces(_quoted(_hint(question)))
    right = f"{question.key} is right. {question.reasons[question.key]}"
    return [
        "_answer = _answer.strip().lower() if type(_answer) is str else _answer",
        f"assert type(_answer) is str and _answer in {letters}, (",
        f'    f"{name} = {{_answer!r}}: that is not one of {", ".join(letters)}. Give {hint}."',
        ")",
        f'print(f"{name} = {{_answer!r}}: noted.")',
        *_hidden([f"assert _answer == {_text(question.key)}, {_text(right)}"]),
    ]


def _multiple(question: Multiple) -> list[str]:
    letters, name, key = list(question.options), question.id, question.key
    wrong = [letter for letter in letters if letter not in key]
    hint = _braces(_quoted(_hint(question)))
    return [
        f'assert type(_answer) in (list, tuple, set), f"{name} = {{_answer!r}}: that is no list. Give {hint}."',
        "_ticked = [letter.strip().lower() if type(letter) is str else letter for letter in _answer]",
        "for _letter in _ticked:",
        f"    assert type(_letter) is str and _letter in {letters}, (",
        f'        f"{name}: {{_letter!r}} is not one of {", ".join(letters)}. Give {hint}."',
        "    )",
        f'assert _ticked, "{name} is empty: at least one option is right."',
        f'print("{name}: noted, ticked", ", ".join(sorted(set(_ticked))))',
        *_hidden(
            [
                f"_right = len(set(_ticked) & set({key})) / {len(key)}",
                f"_wrong = len(set(_ticked) & set({wrong})) / {len(wrong)}",
                f"assert _right > _wrong, {_text('Right are ' + ', '.join(key) + ': no points are left.')}",
                f"round({question.points!r} * (_right - _wrong), 2)",
            ]
        ),
    ]


def _numeric(question: Numeric) -> list[str]:
    name, unit = question.id, f" {question.unit}" if question.unit else ""
    right = f"expected {question.key:g}{unit}, give or take {question.tolerance:g}. {question.reason}"
    return [
        "import math",
        "import numbers",
        "",
        "assert isinstance(_answer, numbers.Real) and not isinstance(_answer, bool) and math.isfinite(_answer), (",
        f'    f"{name} = {{_answer!r}}: that is not a number. Give {_braces(_quoted(_hint(question)))}."',
        ")",
        "_answer = float(_answer)",
        f'print(f"{name} = {{_answer:g}}: noted.")',
        *_hidden([f"assert abs(_answer - {question.key!r}) <= {_slack(question)!r}, {_text(right)}"]),
    ]


def _slack(question: Numeric) -> float:
    """The tolerance, and a little more for sums of floats that miss it by a hair."""
    return question.tolerance + 1e-9 * max(1.0, abs(question.key))


def _feedback(question: Question) -> list[str]:
    """Code that prints the reasons, wrapped to fit a page."""
    if isinstance(question, Numeric):
        unit = f" {question.unit}" if question.unit else ""
        items = [(f"{question.key:g}{unit}", question.reason)]
    else:
        items = [
            (f"{'✓' if letter in question.key else '✗'} {letter}", reason)
            for letter, reason in question.reasons.items()
        ]
    text = "\n".join(
        textwrap.fill(" ".join(reason.split()), 92, initial_indent=f"{mark}  ", subsequent_indent=" " * (len(mark) + 2))
        for mark, reason in items
    )
    return ["print(", *(f"    {_text(line)}" + ' "\\n"' for line in text.split("\n")), ")"]


def _hidden(lines: list[str]) -> list[str]:
    return [_BEGIN, *lines, _END]


def _text(value: str) -> str:
    """A Python literal in double quotes."""
    return json.dumps(" ".join(value.split()) if "\n" in value else value, ensure_ascii=False)


def _quoted(text: str) -> str:
    """Text to stand inside a Python literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _braces(text: str) -> str:
    """Text to stand inside an f-string."""
    return text.replace("{", "{{").replace("}", "}}")
