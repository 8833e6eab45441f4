"""What a model looks at: shuffle one of the things that a rider gives, and see how much worse the answers become.

importance.permutation(model, february)

What is shuffled are the raw inputs, not the features made of them: the distance between the zones, say, is neither the
pickup's nor the drop-off's, and it changes with both. A shuffled input makes rides that nobody takes; a model may err
on them in ways that tell more about those rides than about itself (Hooker & Mentch, 2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi.evaluation import score
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.governance import asking

#: What a rider gives, and the columns that hold it.
INPUTS = {"pickup zone": [BOOKING_COLUMNS[0]], "drop-off zone": [BOOKING_COLUMNS[1]], "time": [BOOKING_COLUMNS[2]]}


def permutation(
    model: Any, trips: pd.DataFrame, repeats: int = 5, random_state: int = 0, *, rides: int = 3000
) -> pd.DataFrame:
    """By how many minutes the RMSE rises when each of INPUTS is shuffled among the rides (Breiman, 2001).

    ``trips`` are cleaned ones with ``duration`` that the model didn't learn from; at most ``rides`` of them are used.
    A row for each input, the largest rise first: ``rise`` is the mean over ``repeats`` shuffles, ``low`` and ``high``
    are the least and the greatest. They tell what chance the shuffling holds, not what other rides would give.
    ``attrs["rmse"]`` is the RMSE unshuffled (minutes) and ``attrs["rides"]`` the number of rides.

    Raises BadTrips, UsageError for fewer than two rides or no repeats, BadPredictions, ModelFails.
    """
    if repeats < 1:
        raise UsageError(f"At least one shuffle is needed, not {repeats}.")
    known = asking.sample(trips, rides, random_state, least=2, also=("duration",))
    base = score(known["duration"], asking.minutes(model, known))["rmse"]
    rng = np.random.default_rng(random_state)
    rows = {}
    for name, columns in INPUTS.items():
        rises = [_shuffled_rmse(model, known, columns, rng) - base for _ in range(repeats)]
        rows[name] = {"rise": float(np.mean(rises)), "low": min(rises), "high": max(rises)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("input")
    table = table.sort_values("rise", ascending=False, kind="stable")
    table.attrs = {"rmse": base, "rides": len(known)}
    return table


def _shuffled_rmse(model: Any, known: pd.DataFrame, columns: list[str], rng: np.random.Generator) -> float:
    order = rng.permutation(len(known))
    shuffled = known.assign(**{column: known[column].array[order] for column in columns})
    return score(known["duration"], asking.minutes(model, shuffled))["rmse"]
