"""The rules that watch the taxi model, and what they look at, calibrated on months whose story is known.

Weeks of February to May 2021 must stay quiet: the city fills again after the winter, and there is a snowstorm. Those
of January 2022 must not: the rides are others (shorter, elsewhere), and the model explains less of them, although its
RMSE is smaller than in May. Measured with the boosted model of January 2021 (tests hold it):

===========  ============================  ==========================  =========================
rule         highest for its windows in a  least in January 2022,      threshold
             row, February to May 2021     real / simulated
===========  ============================  ==========================  =========================
ratio        1.12 (real)                   1.25 / 1.16                 1.14, three weeks
rmse         1.23 (real)                   never near                  1.5, two weeks
bias         1.9 min (real)                never near                  3 min, two weeks
drift        0.02 (real)                   0.20 / 0.21                 0.1, two weeks
===========  ============================  ==========================  =========================

``ratio`` and ``rmse`` are multiples of the baseline (see :mod:`.baseline`): what a model of this kind reaches on rides
it hasn't seen. A figure on the rides it learned from would make every later week look bad.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from course_lib.taxi.monitoring.alerts import Observation, Rule
from course_lib.taxi.monitoring.baseline import Baseline

#: Features whose drift raises an alert: known without labels, and of few kinds, so that a week has rides enough.
WATCHED = ("miles", "pickup borough", "dropoff borough", "predicted")
_RETRAIN = "Read which rides changed; if they are real, retrain on the newest month and let the gate decide."

RULES = (
    Rule(
        *("ratio", 1.14, 1.08, 3, 2, " times the baseline"),
        what="The model explains less of the rides than it did (RMSE ÷ standard deviation)",
        why="The RMSE alone may look fine: when rides become alike, any guess errs less.",
        do=_RETRAIN,
    ),
    Rule(
        *("rmse", 1.5, 1.3, 2, 2, " times the baseline"),
        what="The typical error is far larger than it was (RMSE)",
        why="So large a jump is rarely the city. It is rather the data that comes in, or the wrong model.",
        do="Look at the newest deployment and at the source of the trips first; roll back if it is the model.",
    ),
    Rule(
        *("bias", 3.0, 2.0, 2, 2, " min"),
        what="Promises are wrong in one direction (bias, without its sign)",
        why="Riders miss trains when rides are promised too short, and go elsewhere when they are promised too long.",
        do="Look for what slows or speeds the whole city: weather, a strike, clocks, a changed unit. " + _RETRAIN,
    ),
    Rule(
        *("drift", 0.1, 0.05, 2, 2),
        what="The rides that are asked for are others than those the model learned from (PSI)",
        why="This is known before any label comes. It need not hurt: hold it against the error when labels are there.",
        do=_RETRAIN,
    ),
)


def observations(rule: str, windows: pd.DataFrame, drift: pd.DataFrame, baseline: Baseline) -> Sequence[Observation]:
    """What a rule looks at, window by window: from performance.over_time and from :func:`drift_over_time`."""
    if rule == "drift":
        return [
            Observation(start, row["end"], row["value"], int(row["n"]), str(row["feature"]))
            for start, row in drift.iterrows()
        ]
    scale = {"ratio": baseline.ratio, "rmse": baseline.rmse, "bias": 1.0}[rule]
    values = windows[rule].abs() / scale if scale else windows[rule] * math.nan
    return [
        Observation(start, row["end"], float(values[start]), int(row["n"]), _note(rule, row))
        for start, row in windows.iterrows()
    ]


def _note(rule: str, row: pd.Series) -> str:
    if not row["enough"]:
        return "too few labels"
    if rule == "bias":
        return "too short" if row["bias"] < 0 else "too long"
    return f"RMSE {row['rmse']:.2f} min" + (f", standard deviation {row['sd']:.2f} min" if rule == "ratio" else "")
