"""The check: the folder is copied, its code is run, and five steps are asked four questions each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi.maturity import findings
from course_lib.taxi.maturity.capstone import accountable, by_itself, checked, handed_over, recorded
from course_lib.taxi.maturity.capstone.results import Result, Step
from course_lib.taxi.maturity.capstone.settings import NotSettled, read
from course_lib.taxi.maturity.capstone.trial import LIMIT, Trial
from course_lib.taxi.maturity.capstone.workspace import copied
from course_lib.taxi.maturity.scan import Project

STEPS = {
    1: ("Somebody else can run it", findings.MANAGED, handed_over.QUESTIONS),
    2: ("Machines check it", findings.AUTOMATED, checked.QUESTIONS),
    3: ("Every model is on record", findings.AUTOMATED, recorded.QUESTIONS),
    4: ("It runs itself", findings.ORCHESTRATED, by_itself.QUESTIONS),
    5: ("It answers for itself", findings.GOVERNED, accountable.QUESTIONS),
}
LATER_ROWS = 2500


def check(
    folder: str | os.PathLike[str] = ".",
    steps: Iterable[int] | None = None,
    progress: Callable[[str], None] | None = None,
    *,
    limit: float = LIMIT,
) -> Result:
    """Check a capstone, all five steps or those named; ``progress`` hears what is being run.

    Runs the folder's own code: in a copy of the folder, without what earlier runs wrote, in processes with a clean
    environment, each of which is ended after ``limit`` seconds. Raises UsageError for a folder or a step that there
    isn't; whatever is wrong inside the folder is in the result.
    """
    chosen = sorted(set(STEPS if steps is None else steps))
    if strange := [number for number in chosen if number not in STEPS]:
        raise UsageError(f"There is no step {strange[0]}. The steps are 1 to {len(STEPS)}.")
    place = Project.open(folder).root
    try:
        state = read(place).state
    except NotSettled:
        state = "state"
    with ExitStack() as stack:
        workspace = stack.enter_context(copied(place, state))
        trial = Trial(place, workspace, later_trips(), progress or (lambda _: None), limit)
        return Result(_answers(trial, chosen))


def _answers(trial: Trial, chosen: list[int]) -> list[Step]:
    """The steps' answers; functions and tests run beside the pipeline, as they have nothing in common with it."""
    answers: dict[int, Step] = {}
    with ThreadPoolExecutor(1) as beside:
        waiting: Future[Step] | None = None
        if 2 in chosen and len(chosen) > 1:
            waiting = beside.submit(_step, trial, 2)
        for number in chosen:
            if number != 2 or waiting is None:
                answers[number] = _step(trial, number)
        if waiting is not None:
            answers[2] = waiting.result()
    return [answers[number] for number in chosen]


def _step(trial: Trial, number: int) -> Step:
    name, level, questions = STEPS[number]
    return Step(number, name, level, [question.ask(trial) for question in questions])


def later_trips() -> pd.DataFrame:
    """Trips of the month after the starter's: nobody's model has seen them."""
    from course_lib.taxi import trips

    return trips.load("2021-02", source="simulated", rows=LATER_ROWS).reset_index(drop=True)
