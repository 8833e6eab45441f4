"""Step 2: machines check it."""

from __future__ import annotations

import numpy as np

from course_lib.taxi.maturity import automated
from course_lib.taxi.maturity.capstone.questions import Question, Wrong
from course_lib.taxi.maturity.capstone.trial import Trial
from course_lib.taxi.maturity.scan import Project

_SAME = 1e-6  # minutes by which two trainings may differ
_ROOM = 1.0  # minutes, root mean square: dropping rides by their fare is no leak, learning from it is
FEWEST = 3  # tests


def repeatable(trial: Trial) -> str:
    """Two processes train on the same trips, and predict the same."""
    first, second = (np.array(one["minutes"]) for one in trial.functions)
    if not np.isfinite(first).all():
        raise Wrong("predict gives values that are no numbers")
    apart = float(np.abs(first - second).max())
    if apart > _SAME:
        raise Wrong(f"two trainings on the same trips differ by up to {apart:.3g} minutes")
    return f"two trainings, the same {len(first):,} predictions"


def honest(trial: Trial) -> str:
    """Judged on later rides, and no difference whatever the fares were."""
    one, other = trial.functions
    split = one["split"]
    if not split["later"]:
        raise Wrong(
            f"split gives {split['train']} trips until {split['last_train']} to learn from and {split['valid']} from "
            f"{split['first_valid']} on to judge by: the later part must begin after the earlier one ends"
        )
    if split["valid"] < 0.05 * split["trips"] or split["train"] < 0.4 * split["trips"]:
        raise Wrong(f"split gives {split['train']} and {split['valid']} of {split['trips']} trips: too few of one kind")
    usual, disorder = np.array(other["minutes"]), np.array(other["minutes_in_disorder"])
    apart = float(np.sqrt(np.mean((usual - disorder) ** 2)))
    if apart > _ROOM:
        raise Wrong(
            f"with the fares in disorder the model's answers change by {apart:.1f} minutes: it learns from them"
        )
    return f"judged from {split['first_valid']} on; with fares in disorder the answers change by {apart:.2f} minutes"


def tests(trial: Trial) -> str:
    """They hold, and notice when the prediction goes wrong."""
    found = trial.tests
    if found.ran.code is None:
        raise Wrong(found.ran.how())
    if found.passed < FEWEST or found.failed:
        raise Wrong(f"{found.passed} tests passed, {found.failed} failed: {found.ran.how()}")
    for what, broken in trial.broken_tests.items():
        if not broken.failed:
            raise Wrong(f"{found.passed} tests pass; they pass, too, when the prediction {what}")
    return f"{found.passed} tests pass; some fail when the prediction is 0, and when it is 13 minutes for every ride"


def integration(trial: Trial) -> str:
    """A build server is told to run them."""
    found = automated.continuous_integration(Project.open(trial.folder))
    if not found.found:
        raise Wrong(found.missing)
    return found.where


QUESTIONS = (
    Question(
        "repeatable training",
        "split, train and predict as functions of modules; training twice gives the same model",
        "name your functions in capstone.toml; give the model a random_state, and sort or seed whatever draws lots",
        repeatable,
    ),
    Question(
        "no leak",
        "split puts later trips aside; what is known only after a ride (fare, distance …) makes no difference",
        "split by pickup time, and learn from features.BOOKING_COLUMNS only",
        honest,
    ),
    Question(
        "tests",
        f"at least {FEWEST} tests that pass, and that fail when predict gives nonsense",
        "test what must be true of the answers: a longer way takes longer, the error is below that of the mean",
        tests,
    ),
    Question(
        "continuous integration",
        "a workflow or CI script that runs the tests",
        "write .github/workflows/ci.yml with a step `run: python -m pytest`",
        integration,
    ),
)
