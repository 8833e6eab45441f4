"""How a check is asked and answered: a question has a function that says what it found, or raises what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from course_lib.errors import CourseError
from course_lib.taxi.maturity.capstone.results import Checked
from course_lib.taxi.maturity.capstone.trial import Failed, Trial


class Wrong(CourseError):
    """It was looked at, and is not as expected; the text says what was found."""


@dataclass(frozen=True)
class Question:
    """One thing for one point: ``look`` returns what was found, or raises Wrong (or Failed, where it couldn't look)."""

    name: str
    expected: str
    hint: str
    look: Callable[[Trial], str]
    points: int = 1

    def ask(self, trial: Trial) -> Checked:
        """The answer. Whatever goes wrong in somebody else's project is an answer, too."""
        try:
            found, earned = self.look(trial), self.points
        except CourseError as error:
            found, earned = str(error), 0
        except Exception as error:
            found, earned = f"it could not be checked ({type(error).__name__}: {error})", 0
        return Checked(self.name, self.points, earned, self.expected, found, "" if earned else self.hint)


__all__ = ["Failed", "Question", "Wrong"]
