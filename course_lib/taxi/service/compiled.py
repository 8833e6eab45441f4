"""A fitted model as plain Python: one ride's minutes without a DataFrame, without the pipeline, in microseconds.

A pipeline is made for tables. For one ride it spends milliseconds on checks and copies and microseconds on arithmetic.
So when a model is loaded, what can be known beforehand is worked out once:

1. Everything that depends on the two zones alone (distance, boroughs, usual minutes) is asked of the pipeline's own
   transformers for all pairs of zones, and kept as a table.
2. What depends on the time is three numbers: hour, weekday, minute of the week.
3. The rest is compiled: trees become nested Python expressions ("``a if miles <= 2.5 else b``"), a linear model becomes
   one sum.

    compiled = compile_model(model)            # raises NotCompilable for a kind of model it doesn't know
    compiled.minutes(7, 138, datetime(2021, 2, 3, 8, 30))
    largest_difference(compiled, model)        # minutes, on thousands of rides: proof before anybody relies on it
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.feature_base import BOOKING_COLUMNS, LAST_ZONE
from course_lib.taxi.service import expressions

#: Minutes by which the compiled form may differ from the pipeline: rounding in sums, nothing else.
TOLERANCE = 1e-9
_CLOCK = ("hour", "weekday", "minute_of_week")
_SIZE = LAST_ZONE + 1  # zones 1 … LAST_ZONE, and 0 for what is no zone


class NotCompilable(CourseError):
    """This model has no compiled form; the message says what stands in the way. Its pipeline answers all the same."""


class Compiled:
    """Answers one ride at a time; made by :func:`compile_model`."""

    def __init__(self, answer: Callable[..., float], table: np.ndarray) -> None:
        """``answer`` takes a row of ``table`` (pairs of zones × what they decide), then hour, weekday and minute."""
        self._answer, self._table = answer, table
        self._sundays = expressions.holidays()

    def minutes(self, pickup: int, dropoff: int, time: datetime | None) -> float:
        """Minutes for a ride between two zones (numbers that are no zone: no known place) at New York's wall time."""
        pickup = pickup if 0 < pickup < _SIZE else 0
        dropoff = dropoff if 0 < dropoff < _SIZE else 0
        return self._answer(*self._table[pickup * _SIZE + dropoff].tolist(), *self._clock(time))

    def _clock(self, time: datetime | None) -> tuple[float, float, float]:
        """Hour (decimal), weekday (holidays are Sundays), minute of the week: as features.TripTime has them."""
        if time is None:
            return math.nan, math.nan, math.nan
        hour = time.hour + time.minute / 60
        weekday = 6.0 if date(time.year, time.month, time.day) in self._sundays else float(time.weekday())
        return hour, weekday, weekday * 1440 + hour * 60


def compile_model(model: Any) -> Compiled:
    """The compiled form of a fitted models.build(…) pipeline. Raises NotCompilable."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        raise NotCompilable(f"a {type(model).__name__} is no pipeline of this course")
    last = model.steps[-1][1]
    makers: dict[str, Callable[[Any, Any], tuple[Callable[..., float], np.ndarray]]] = {
        "DummyRegressor": _constant,
        "RuleOfThumb": _rule_of_thumb,
        "Ridge": _linear,
        "HistGradientBoostingRegressor": _trees,
    }
    if (kind := type(last).__name__) not in makers:
        raise NotCompilable(f"there is no compiled form of {kind}")
    answer, table = makers[kind](model, last)
    return Compiled(answer, table)


def _constant(_model: Any, last: Any) -> tuple[Callable[..., float], np.ndarray]:
    value = float(np.ravel(last.constant_)[0])
    return lambda *_clock: value, np.empty((_SIZE**2, 0))


def _rule_of_thumb(_model: Any, last: Any) -> tuple[Callable[..., float], np.ndarray]:
    """Miles ÷ the usual speed at that hour."""
    from course_lib.taxi.feature_base import straight_miles

    if last.with_distance:
        raise NotCompilable("the metered distance isn't known when a ride is booked")
    straight = straight_miles(_all_pairs())
    miles = np.where(straight == 0, last.same_zone_miles_, straight * last.detour_factor_)
    speeds, usual_speed, usual = last.mph_by_hour_.tolist(), last.mph_, last.usual_minutes_

    def answer(miles: float, hour: float, _weekday: float, _minute: float) -> float:
        speed = usual_speed if hour != hour else speeds[int(hour)]
        minutes = miles / speed * 60
        return usual if minutes != minutes else minutes

    return answer, miles[:, np.newaxis]


def _linear(model: Any, last: Any) -> tuple[Callable[..., float], np.ndarray]:
    """One sum: the zones' share of it is the same for all times, so it is added up beforehand."""
    if [name for name, _ in model.steps] != ["features", "impute", "scale", "model"]:
        raise NotCompilable("a linear model is compiled behind features, impute and scale only")
    names, pairs = _features(model)
    usual, scale = model["impute"].statistics_, model["scale"]
    if np.isnan(usual).any():
        raise NotCompilable("a feature was never there in training")
    weights = np.ravel(last.coef_) / scale.scale_
    start = float(np.ravel(last.intercept_)[0] - scale.mean_ @ weights)
    timed = np.array([name in _TIMED for name in names])
    filled = np.where(np.isnan(pairs), usual[~timed], pairs)
    table = start + filled @ weights[~timed]
    shares = [(name, float(w), float(u)) for name, w, u in zip(names, weights, usual, strict=True) if name in _TIMED]
    return expressions.weighted_sum(shares), table[:, np.newaxis]


def _trees(model: Any, last: Any) -> tuple[Callable[..., float], np.ndarray]:
    """Each tree becomes one nested expression, and the answer is the sum of them all."""
    if [name for name, _ in model.steps] != ["features", "model"]:
        raise NotCompilable("trees are compiled right behind features only")
    if last.is_categorical_ is not None and np.any(last.is_categorical_):
        raise NotCompilable("a split by categories has no compiled form")
    names, pairs = _features(model)
    if unknown := [name for name in names if name in _TIMED and name not in _CLOCK]:
        raise NotCompilable(f"trees don't see {', '.join(unknown)}")
    fixed = [name for name in names if name not in _CLOCK]
    nodes = [trees[0].nodes for trees in last._predictors]
    start = float(np.ravel(last._baseline_prediction)[0])
    return expressions.sum_of_trees(nodes, names, [*fixed, *_CLOCK], start), pairs


_TIMED = (*_CLOCK, "hour_sin", "hour_cos", "week_sin", "week_cos")


def _features(model: Any) -> tuple[list[str], np.ndarray]:
    """Names of all features in their order, and those that zones alone decide, for all pairs of zones."""
    features = model["features"]
    names = list(features.get_feature_names_out())
    if "metered_miles" in names:
        raise NotCompilable("the metered distance isn't known when a ride is booked")
    made = features.transform(_all_pairs())
    return names, made[:, [name not in _TIMED for name in names]]


def _all_pairs() -> pd.DataFrame:
    """A ride for each pair of zones, 0 … LAST_ZONE, in the table's order; the time doesn't matter."""
    pickup, dropoff = np.divmod(np.arange(_SIZE**2), _SIZE)
    times = np.full(_SIZE**2, np.datetime64("2021-01-04T08:00", "us"))
    return pd.DataFrame(dict(zip(BOOKING_COLUMNS, [pickup, dropoff, times], strict=True)))


def largest_difference(compiled: Compiled, model: Any, rides: int = 3000, random_state: int = 0) -> float:
    """How far (minutes) the compiled form is from the pipeline, on random ``rides``; NaN or inf if either fails.

    All zones, zones that don't exist, all hours, holidays, several years, and missing times.
    """
    rng = np.random.default_rng(random_state)
    pickups, dropoffs = rng.integers(0, LAST_ZONE + 3, (2, rides))
    minutes = rng.integers(0, 60 * 24 * 365 * 6, rides).astype("timedelta64[m]")
    times = pd.Series((np.datetime64("2020-01-01T00:00", "us") + minutes).astype("datetime64[us]"))
    times[:: max(rides // 20, 1)] = pd.NaT
    table = pd.DataFrame(dict(zip(BOOKING_COLUMNS, [pickups, dropoffs, times], strict=True)))
    expected = np.asarray(model.predict(table), dtype=np.float64)
    clock = [None if time is pd.NaT else time.to_pydatetime() for time in times]
    told = map(compiled.minutes, pickups.tolist(), dropoffs.tolist(), clock)
    return float(np.abs(expected - np.fromiter(told, np.float64, rides)).max())
