"""Read ``quiz.yml``: questions, options, keys and reasons as data, checked before anything is built from them."""

from __future__ import annotations

import builtins
import keyword
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, ValidationError, field_validator, model_validator

from course_lib.errors import CourseError
from course_lib.workbook.strict_yaml import Position, YamlError, load

LETTERS = "abcdefgh"
TYPES = ("single", "multiple", "numeric")
PARTS = ("questions", "practice")


class QuizError(CourseError):
    """A quiz file that cannot become a quiz; the message lists every problem with file, line and question."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Question(_Strict):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    question: str = Field(min_length=1)
    points: float = Field(default=1, gt=0)

    @field_validator("id")
    @classmethod
    def _free_name(cls, value: str) -> str:
        if keyword.iskeyword(value) or hasattr(builtins, value):
            raise ValueError(f"“{value}” is a word of Python's, and the student answers with a variable of this name")
        return value


class _Choice(_Question):
    options: dict[str, str] = Field(min_length=2, max_length=len(LETTERS))
    reasons: dict[str, str]

    @model_validator(mode="after")
    def _letters_fit(self) -> _Choice:
        letters = list(self.options)
        if letters != list(LETTERS[: len(letters)]):
            raise ValueError(f"options must be lettered {', '.join(LETTERS[: len(letters)])}, not {', '.join(letters)}")
        if missing := [letter for letter in letters if not self.reasons.get(letter, "").strip()]:
            raise ValueError(f"reasons: no reason for {', '.join(missing)}; each option needs one, right or wrong")
        if stray := [letter for letter in self.reasons if letter not in letters]:
            raise ValueError(f"reasons: {', '.join(stray)} is not among the options {', '.join(letters)}")
        keys = [self.key] if isinstance(self.key, str) else self.key
        if strange := [key for key in keys if key not in letters]:
            raise ValueError(f"key: {', '.join(strange)} is not among the options {', '.join(letters)}")
        return self


class Single(_Choice):
    """One of the options is right."""

    type: Literal["single"]
    key: str

    @field_validator("key", mode="before")
    @classmethod
    def _one_key(cls, value: Any) -> Any:
        if isinstance(value, list):
            raise ValueError(f"a single choice has one key, and {len(value)} are given; did you mean type: multiple?")
        return value


class Multiple(_Choice):
    """Some of the options are right: at least one, and not all."""

    type: Literal["multiple"]
    key: list[str] = Field(min_length=1)

    @field_validator("key", mode="before")
    @classmethod
    def _list_of_keys(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"a multiple choice has a list of keys, such as [{value.strip() or 'a'}]")
        return value

    @model_validator(mode="after")
    def _some_right_some_wrong(self) -> Multiple:
        if len(set(self.key)) != len(self.key):
            raise ValueError("key: a letter is given twice")
        if len(self.key) == len(self.options):
            raise ValueError("key: all options are right, so ticking everything would be; add a wrong one")
        return self


class Numeric(_Question):
    """A number, right within a tolerance (absolute, in the same unit)."""

    type: Literal["numeric"]
    key: float
    tolerance: float = Field(ge=0)
    unit: str = ""
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _finite(self) -> Numeric:
        if not (math.isfinite(self.key) and math.isfinite(self.tolerance)):
            raise ValueError("key and tolerance must be finite numbers")
        return self


Question = Annotated[Single | Multiple | Numeric, Discriminator("type")]


class Quiz(_Strict):
    """A whole quiz file."""

    title: str = Field(min_length=1)
    questions: list[Question] = Field(min_length=1)
    # for the reading site, which shows key and reasons at once; never part of the quiz notebook, worth nothing
    practice: list[Question] = []

    @property
    def points(self) -> float:
        """What the whole quiz is worth."""
        return sum(question.points for question in self.questions)


def read_quiz(path: Path) -> Quiz:
    """Read and check a quiz file. Raises QuizError with every problem, by line and question."""
    try:
        data, lines = load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"cannot read {path}: {error}") from error
    except YamlError as error:
        raise QuizError(f"{path}:{error.line}: {error}") from error
    problems = _duplicate_ids(data, lines)
    try:
        quiz = Quiz.model_validate(data)
    except ValidationError as error:
        problems += [_explain(problem, data, lines) for problem in error.errors()]
    if problems:
        raise QuizError("\n".join(f"{path}:{line}: {problem}" for line, problem in sorted(problems)))
    return quiz


def _questions(data: Any, part: str) -> list[Any]:
    questions = data.get(part) if isinstance(data, dict) else None
    return questions if isinstance(questions, list) else []


def _duplicate_ids(data: Any, lines: dict[Position, int]) -> list[tuple[int, str]]:
    seen: dict[str, int] = {}
    problems = []
    places = [(part, index, question) for part in PARTS for index, question in enumerate(_questions(data, part))]
    for part, index, question in places:
        name = question.get("id") if isinstance(question, dict) else None
        line = lines.get((part, index), 1)
        if isinstance(name, str) and name in seen:
            problems.append((line, f"question “{name}”: the id is used in line {seen[name]} already"))
        elif isinstance(name, str):
            seen[name] = line
    return problems


def _explain(problem: Any, data: Any, lines: dict[Position, int]) -> tuple[int, str]:
    """Turn one of pydantic's findings into a line and a sentence that names the question."""
    # pydantic puts the question's type into the place, which is no place in the file
    place = tuple(p for i, p in enumerate(problem["loc"]) if not (i == 2 and p in TYPES))
    line = next(lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines)
    who = ""
    if len(place) >= 2 and place[0] in PARTS:
        question = _questions(data, place[0])[place[1]]
        name = question.get("id") if isinstance(question, dict) else None
        who = f"question “{name}”: " if isinstance(name, str) else f"question {place[1] + 1}: "
        place = place[2:]
    what = ".".join(str(part) for part in place)
    return line, who + _sentence(problem, what)


def _sentence(problem: Any, what: str) -> str:
    kind, given = problem["type"], problem.get("input")
    if kind == "missing":
        return f"no {what}"
    if kind == "extra_forbidden":
        return f"unknown entry “{what}”"
    if kind == "union_tag_not_found":
        return f"no type; known are {', '.join(TYPES)}"
    if kind == "union_tag_invalid":
        return f"unknown type “{given.get('type')}”; known are {', '.join(TYPES)}"
    if kind in ("string_pattern_mismatch", "string_too_short"):
        return f"{what} is {given!r}" + (", and should be a name like leak_fare" if what == "id" else "")
    message = problem["msg"].removeprefix("Value error, ")
    return message if kind == "value_error" and not what else f"{what}: {message}"
