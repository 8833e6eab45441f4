"""Answers to try on a quiz question: right ones written another way, near misses, malformed ones; with their points."""

from __future__ import annotations

import json
from dataclasses import dataclass

from course_lib.workbook.quiz import Multiple, Numeric, Question, Single
from course_lib.workbook.quiz_cells import credit


@dataclass(frozen=True)
class Try:
    """Code that answers a question, and the points it must earn."""

    code: str
    points: float


def tries(question: Question) -> list[Try]:
    """Right answers first, then wrong ones, of which there are at least three."""
    if isinstance(question, Single):
        values, malformed = _single(question)
    elif isinstance(question, Multiple):
        values, malformed = _multiple(question)
    else:
        values, malformed = _numeric(question)
    name = question.id
    formed = [Try(f"{name} = {json.dumps(value)}", credit(question, value)) for value in values]
    same = [Try(f"{name} = {text}", question.points) for text in _written_otherwise(question)]
    return [*same, *formed, *(Try(f"{name} = {text}", 0.0) for text in malformed)]


def _single(question: Single) -> tuple[list[str], list[str]]:
    others = [letter for letter in question.options if letter != question.key]
    return others, ['"?"', f'["{question.key}"]', f'"{"".join(question.options)}"', "0"]


def _multiple(question: Multiple) -> tuple[list[list[str]], list[str]]:
    """Every answer that is off by one option, every option ticked, and exactly the wrong ones ticked."""
    letters, key = list(question.options), set(question.key)
    off_by_one = [sorted(key ^ {letter}) for letter in letters if key != {letter}]
    wrong = [letter for letter in letters if letter not in key]
    values = [*off_by_one, letters, wrong]
    return [v for i, v in enumerate(values) if v not in values[:i]], ["[]", '["?"]', f'"{"".join(sorted(key))}"']


def _numeric(question: Numeric) -> tuple[list[float], list[str]]:
    """Just outside the tolerance on both sides, wrong by a factor, wrong in sign."""
    key = question.key
    step = question.tolerance * 1.02 + 1e-6 * max(1.0, abs(key))
    values = [key + step, key - step, key * 60, key / 60, -key, key + 1000 * max(1.0, step)]
    wrong = [value for value in values if credit(question, value) == 0]
    return wrong, [f'"{key:g}"', 'float("nan")', "[]", "True"]


def _written_otherwise(question: Question) -> list[str]:
    if isinstance(question, Single):
        return [f'"{question.key}"', f'" {question.key.upper()} "']
    if isinstance(question, Multiple):
        backwards = [letter.upper() for letter in reversed(question.key)]
        return [json.dumps(question.key), f"tuple({json.dumps(backwards)})", f"set({json.dumps(question.key)})"]
    near = question.tolerance * 0.99
    return [repr(question.key + near), repr(question.key - near), f'__import__("numpy").float64({question.key!r})']
