"""What a class says about its tasks: how many solve each, whom it sorts out, and what goes wrong most often."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from course_lib.grading.outcome import INFRA_ERROR, MALFORMED, SubmissionResult, TestOutcome

MIN_STUDENTS = 5
WEAK = 0.2  # below this a task hardly tells good from weak
UNANSWERED = "NotAnswered"


@dataclass
class WrongOutcome:
    """One way to be wrong: how it is told to students, how many met it, and in which test."""

    text: str
    count: int
    test: str


@dataclass
class TaskFacts:
    """One task over a class. Shares are of all students whose notebook could be read and graded.

    ``splits`` is the correlation, -1 to 1, between the points of this task and those of all other tasks: how well it
    tells good from weak students. None where fewer than MIN_STUDENTS or no differences.
    """

    module: str
    notebook: str
    task: str
    max_points: float
    students: int = 0
    whole: int = 0
    part: int = 0
    none: int = 0
    unanswered: int = 0
    mean_share: float = 0.0
    splits: float | None = None
    wrong: list[WrongOutcome] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.task

    @property
    def verdict(self) -> str:
        """What the figures say, in words."""
        if self.splits is None:
            return "too few students, or no differences"
        if self.splits < 0:
            return "the wrong way round: the better students miss it; look at its tests"
        if self.splits < WEAK:
            return "hardly splits good from weak"
        return "splits good from weak" if self.splits < 0.4 else "splits good from weak clearly"


def task_facts(results: Iterable[SubmissionResult]) -> list[TaskFacts]:
    """The tasks of a class, in the order of the notebooks."""
    facts: dict[tuple[str, str, str], TaskFacts] = {}
    points: dict[tuple[str, str, str], dict[str, float]] = {}
    outcomes: dict[tuple[str, str, str], list[TestOutcome]] = {}
    totals: dict[tuple[str, str], float] = {}
    for result in results:
        for notebook in result.notebooks:
            if notebook.status == INFRA_ERROR or all(test.status == MALFORMED for test in notebook.tests):
                continue  # says nothing about the tasks
            for task, tests in _by_task(notebook.tests).items():
                place = (result.module, notebook.name, task)
                worth = sum(test.max_points for test in tests)
                entry = facts.setdefault(place, TaskFacts(*place, worth))
                earned = sum(test.points or 0.0 for test in tests)
                points.setdefault(place, {})[result.student] = earned
                totals[result.module, result.student] = totals.get((result.module, result.student), 0.0) + earned
                _count(entry, tests, earned, worth)
                outcomes.setdefault(place, []).extend(tests)
    for place, entry in facts.items():
        mine = points[place]
        rest = [totals[place[0], student] - earned for student, earned in mine.items()]
        entry.mean_share = sum(mine.values()) / (len(mine) * entry.max_points) if entry.max_points else 0.0
        entry.splits = correlation(list(mine.values()), rest)
        entry.wrong = commonest(outcomes[place])
    return list(facts.values())


def _by_task(tests: Sequence[TestOutcome]) -> dict[str, list[TestOutcome]]:
    grouped: dict[str, list[TestOutcome]] = {}
    for test in tests:
        grouped.setdefault(test.task, []).append(test)
    return grouped


def _count(entry: TaskFacts, tests: Sequence[TestOutcome], earned: float, worth: float) -> None:
    entry.students += 1
    if earned >= worth:
        entry.whole += 1
    elif earned > 0:
        entry.part += 1
    elif all(test.error == UNANSWERED or test.points == test.max_points for test in tests):
        entry.unanswered += 1
    else:
        entry.none += 1


def commonest(tests: Iterable[TestOutcome], top: int = 3) -> list[WrongOutcome]:
    """The commonest ways to fail, each by its first example; those that differ in numbers only are one."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for test in tests:
        if not test.hint or test.error == UNANSWERED:
            continue
        first = test.hint.strip().split("\n")[0][:200]
        key = (test.grade_id, re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "#", first)[:90])
        counts[key] += 1
        examples.setdefault(key, first)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    return [WrongOutcome(examples[key], count, key[0]) for key, count in ranked]


def correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Pearson's correlation; None for fewer than MIN_STUDENTS values or where one side never changes."""
    n = len(one)
    if n < MIN_STUDENTS:
        return None
    mean_one, mean_other = sum(one) / n, sum(other) / n
    spread_one = math.sqrt(sum((x - mean_one) ** 2 for x in one))
    spread_other = math.sqrt(sum((y - mean_other) ** 2 for y in other))
    if spread_one < 1e-9 or spread_other < 1e-9:
        return None
    together = sum((x - mean_one) * (y - mean_other) for x, y in zip(one, other, strict=True))
    return max(-1.0, min(1.0, together / (spread_one * spread_other)))
