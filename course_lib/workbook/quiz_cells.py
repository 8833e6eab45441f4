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

{count} questions, {points} points. Answer each in the cell below it, in place of `None`. Then run that cell and the
folded one after it, which tells you whether your answer can be graded. Whether it is right, and why each option is or
isn't, comes with your graded notebook.

Where several options may be right, each right tick earns its share, each wrong tick takes a share away, and no question
falls below 0: ticking everything earns nothing.
"""
_HINT = {
    "single": 'one letter in quotes, such as {name} = "a"',
    "multiple": 'a list of letters, such as {name} = ["a", "b"]',
    "numeric": "a plain number{unit}, without quotes; with a decimal point if it is not whole",
}
_SEE = "The reasons stand above."
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
    solution = f"{question.key:.15g}" if isinstance(question, Numeric) else json.dumps(question.key)
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
            jupyter={"source_hidden": True},  # JupyterLab folds it: only what it says is of interest
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
    lines = [f"## Question {number}", "", f"*{points} · {kind}*", "", question.question.strip()]
    if not isinstance(question, Numeric):
        lines.append("")
        lines += [f"- **{letter}** · {_hang(text)}" for letter, text in question.options.items()]
    return "\n".join(lines)


def _hang(text: str) -> str:
    return textwrap.indent(text.strip(), "  ").strip()


def _test(question: Question) -> str:
    name = question.id
    checks = {"single": _single, "multiple": _multiple, "numeric": _numeric}[question.type]
    lines = [
        "# Can this answer be graded? Whether it is right, you learn from your graded notebook.",
        *_hidden(_feedback(question)),
        f"_answer = globals().get({_text(name)})",
        f"_form = {_text('Give ' + _hint(question) + '.')}",
        f'assert _answer is not None, f"{name} is not answered yet. {{_form}}"',
        *checks(question),
    ]
    return "\n".join(lines)


def _single(question: Single) -> list[str]:
    letters, name = list(question.options), question.id
    return [
        "_answer = _answer.strip().lower() if type(_answer) is str else _answer",
        f"assert type(_answer) is str and _answer in {json.dumps(letters)}, (",
        f'    f"{name} = {{_answer!r}}: that is not one of {", ".join(letters)}. {{_form}}"',
        ")",
        f'print(f"{name} = {{_answer!r}}: noted.")',
        *_hidden([f'assert _answer == "{question.key}", f"{{_answer}} is not right, {question.key} is. {_SEE}"']),
    ]


def _multiple(question: Multiple) -> list[str]:
    letters, name, key = list(question.options), question.id, question.key
    wrong = [letter for letter in letters if letter not in key]
    return [
        f'assert type(_answer) in (list, tuple, set), f"{name} = {{_answer!r}}: that is no list. {{_form}}"',
        "_ticked = [letter.strip().lower() if type(letter) is str else letter for letter in _answer]",
        "for _letter in _ticked:",
        f"    assert type(_letter) is str and _letter in {json.dumps(letters)}, (",
        f'        f"{name}: {{_letter!r}} is not one of {", ".join(letters)}. {{_form}}"',
        "    )",
        f'assert _ticked, "{name} is empty: at least one option is right."',
        "_ticked = set(_ticked)",
        f'print("{name}: noted, ticked", ", ".join(sorted(_ticked)))',
        *_hidden(
            [
                f"_right, _wrong = len(_ticked & set({json.dumps(key)})), len(_ticked & set({json.dumps(wrong)}))",
                f"_credit = round({question.points!r} * (_right / {len(key)} - _wrong / {len(wrong)}), 2)",
                f'print(f"{{_right}} of {len(key)} right ones ticked, {{_wrong}} of {len(wrong)} wrong ones.")',
                f'assert _credit > 0, "Nothing is left: right are {", ".join(key)}."',
                "_credit",
            ]
        ),
    ]


def _numeric(question: Numeric) -> list[str]:
    name, unit = question.id, f" {question.unit}" if question.unit else ""
    right = f"Expected {question.key:g}{unit}, give or take {question.tolerance:g}. {_SEE}"
    return [
        "import math",
        "import numbers",
        "",
        "assert isinstance(_answer, numbers.Real) and not isinstance(_answer, bool) and math.isfinite(_answer), (",
        f'    f"{name} = {{_answer!r}}: that is not a number. {{_form}}"',
        ")",
        "_answer = float(_answer)",
        f'print(f"{name} = {{_answer:g}}: noted.")',
        *_hidden([f"assert abs(_answer - {question.key!r}) <= {_slack(question)!r}, {_text(right)}"]),
    ]


def _slack(question: Numeric) -> float:
    """The tolerance, and a little more for sums of floats that miss it by a hair."""
    return question.tolerance + 1e-9 * max(1.0, abs(question.key))


def _feedback(question: Question) -> list[str]:
    """Code that shows the reasons, as the list of Markdown that the author wrote."""
    if isinstance(question, Numeric):
        unit = f" {question.unit}" if question.unit else ""
        items = [f"- **{question.key:g}{unit}** · {_hang(question.reason)}"]
    else:
        items = [
            f"- {'✓' if letter in question.key else '✗'} **{letter}** · {_hang(reason)}"
            for letter, reason in question.reasons.items()
        ]
    lines = "\n".join(items).split("\n")
    return [
        "from IPython.display import Markdown, display",
        "",
        "display(Markdown(",
        *(f"    {_text(line + chr(10))}" for line in lines),
        "))",
    ]


def _hidden(lines: list[str]) -> list[str]:
    return [_BEGIN, *lines, _END]


def _text(value: str) -> str:
    """A Python literal in double quotes."""
    return json.dumps(value, ensure_ascii=False)
