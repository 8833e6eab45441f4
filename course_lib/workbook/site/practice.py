"""One practice question as HTML: options to choose, a button, and the reasons, hidden until it is pressed.

``quiz.js`` compares the choice with ``data-key``; everything it says stands in the page already.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING

from course_lib.workbook.quiz import Multiple, Numeric, Question

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_BUTTONS = (
    '<p class="practice-buttons"><button type="submit" class="practice-check">Check</button> '
    '<button type="reset" class="practice-again" hidden>Try again</button></p>\n'
    '<p class="practice-verdict" role="status"></p>'
)


def question_form(question: Question) -> str:
    """A form that works by keyboard and with a screen reader; one line of HTML follows the other, none is empty."""
    inner = _number(question) if isinstance(question, Numeric) else _choice(question)
    name = f"practice-{question.id}"
    lines = [
        f'<form class="practice" id="{name}" data-kind="{question.type}" {_key(question)}>',
        f'<div class="practice-question" id="{name}-question">{_block(question.question)}</div>',
        f'<fieldset aria-labelledby="{name}-question">',
        *inner,
        "</fieldset>",
        _BUTTONS,
        "<noscript><p>Checking an answer needs JavaScript.</p></noscript>",
        "</form>",
    ]
    return "\n".join(line for text in lines for line in text.splitlines() if line.strip())


def _key(question: Question) -> str:
    if isinstance(question, Numeric):
        return f'data-key="{question.key:.15g}" data-tolerance="{question.tolerance:.15g}"'
    keys = question.key if isinstance(question, Multiple) else [question.key]
    return f'data-key="{" ".join(keys)}"'


def _choice(question: Question) -> list[str]:
    kind = "checkbox" if isinstance(question, Multiple) else "radio"
    hint = "Tick all that apply." if kind == "checkbox" else "Choose one."
    lines = [f'<p class="practice-hint">{hint}</p>']
    for letter, text in question.options.items():
        field = f'<input type="{kind}" name="{question.id}" value="{letter}">'
        reason = f'<div class="practice-reason" data-of="{letter}" hidden>{_block(question.reasons[letter])}</div>'
        lines.append(f'<div class="practice-option"><label>{field} <span>{_inline(text)}</span></label>{reason}</div>')
    return lines


def _number(question: Numeric) -> list[str]:
    unit = f" ({escape(question.unit)})" if question.unit else ""
    field = f'<input type="text" inputmode="decimal" autocomplete="off" name="{question.id}">'
    return [
        f'<div class="practice-option"><label><span>Your number{unit}:</span> {field}</label>',
        f'<div class="practice-reason" data-of="" hidden>{_block(question.reason)}</div></div>',
    ]


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _block(text: str) -> str:
    return _markdown().render(text.strip()).strip()


def _inline(text: str) -> str:
    return _markdown().renderInline(text.strip())
