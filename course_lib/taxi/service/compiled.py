"""A fitted model as tables: one ride's minutes without a DataFrame, without the pipeline, in microseconds.

A pipeline is made for tables of rides. For one ride it spends milliseconds on checks and copies and microseconds on
arithmetic. But before a ride starts, only two things are known of it: its two zones, and the minute of the week. There
are 70,756 pairs of zones and 10,080 minutes, so when a model is loaded, all that depends on the one or the other is
asked of the pipeline's own transformers once, and kept:

- a linear model is then one look-up for the pair, one for the minute, and a sum;
- for trees, each value of a feature says which leaves are still possible, and one ride's leaves are what its values
  have in common (leafmasks.py).

    compiled = compile_model(model)            # raises NotCompilable for a kind of model it doesn't know
    compiled.minutes(7, 138, datetime(2021, 2, 3, 8, 30))
    largest_difference(compiled, model)        # minutes, on thousands of rides: proof before anybody relies on it
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.feature_base import BOOKING_COLUMNS, LAST_ZONE

#: Minutes by which the compiled form may differ from the pipeline: rounding in sums, nothing else.
TOLERANCE = 1e-9
_SIZE = LAST_ZONE + 1  # zones 1 … LAST_ZONE, and 0 for what is no zone
_WEEK = 7 * 1440  # minutes of a week, and the number that stands for a missing time
_MONDAY = np.datetime64("2021-03-01T00:00", "us")  # of a week without a holiday

#: Minutes for a pair of zones (pickup * _SIZE + drop-off) at a minute of the week.
Answer = Callable[[int, int], float]


class NotCompilable(CourseError):
    """This model has no compiled form; the message says what stands in the way. Its pipeline answers all the same."""


class Compiled:
    """Answers one ride at a time; made by :func:`compile_model`."""

    def __init__(self, answer: Answer) -> None:
        self._answer, self._sundays = answer, _holidays()

    def minutes(self, pickup: int, dropoff: int, time: datetime | None) -> float:
        """Minutes for a ride between two zones (numbers that are no zone: no known place) at New York's wall time."""
        pickup = pickup if 0 < pickup < _SIZE else 0
        dropoff = dropoff if 0 < dropoff < _SIZE else 0
        return self._answer(pickup * _SIZE + dropoff, _WEEK if time is None else self._minute(time))

    def _minute(self, time: datetime) -> int:
        """The minute of the week; holidays are Sundays, as features.TripTime has them."""
        weekday = 6 if date(time.year, time.month, time.day) in self._sundays else time.weekday()
        return weekday * 1440 + time.hour * 60 + time.minute


def compile_model(model: Any) -> Compiled:
    """The compiled form of a fitted models.build(…) pipeline. Raises NotCompilable."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        raise NotCompilable(f"a {type(model).__name__} is no pipeline of this course")
    last = model.steps[-1][1]
    makers: dict[str, Callable[[Any, Any], Answer]] = {
        "DummyRegressor": _constant,
        "RuleOfThumb": _rule_of_thumb,
        "Ridge": _linear,
        "HistGradientBoostingRegressor": _trees,
    }
    if (kind := type(last).__name__) not in makers:
        raise NotCompilable(f"there is no compiled form of {kind}")
    return Compiled(makers[kind](model, last))


def _constant(_model: Any, last: Any) -> Answer:
    value = float(np.ravel(last.constant_)[0])
    return lambda _pair, _minute: value


def _rule_of_thumb(_model: Any, last: Any) -> Answer:
    """Miles ÷ the usual speed at that hour."""
    from course_lib.taxi.feature_base import straight_miles

    if last.with_distance:
        raise NotCompilable("the metered distance isn't known when a ride is booked")
    straight = straight_miles(_all_pairs())
    miles = np.where(straight == 0, last.same_zone_miles_, straight * last.detour_factor_)
    speeds, usual_speed, usual = last.mph_by_hour_.tolist(), last.mph_, last.usual_minutes_

    def answer(pair: int, minute: int) -> float:
        speed = usual_speed if minute == _WEEK else speeds[minute % 1440 // 60]
        minutes = float(miles[pair]) / speed * 60
        return usual if minutes != minutes else minutes

    return answer


def _linear(model: Any, last: Any) -> Answer:
    """Two shares of one sum: the zones', and the time's."""
    if [name for name, _ in model.steps] != ["features", "impute", "scale", "model"]:
        raise NotCompilable("a linear model is compiled behind features, impute and scale only")
    made = _features(model)
    usual, scale = model["impute"].statistics_, model["scale"]
    if np.isnan(usual).any():
        raise NotCompilable("a feature was never there in training")
    weights = np.ravel(last.coef_) / scale.scale_
    start = float(np.ravel(last.intercept_)[0] - scale.mean_ @ weights)

    def share(values: np.ndarray, own: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(values), usual[own], values) @ weights[own]

    by_pair, by_minute = start + share(made.pairs, ~made.timed), share(made.minutes, made.timed)
    return lambda pair, minute: float(by_pair[pair] + by_minute[minute])


def _trees(model: Any, last: Any) -> Answer:
    """The sum of the leaves that the ride's features have in common."""
    from course_lib.taxi.service.leafmasks import LeafMasks

    if [name for name, _ in model.steps] != ["features", "model"]:
        raise NotCompilable("trees are compiled right behind features only")
    if last.is_categorical_ is not None and np.any(last.is_categorical_):
        raise NotCompilable("a split by categories has no compiled form")
    made = _features(model)
    masks = LeafMasks([trees[0].nodes for trees in last._predictors], features=len(made.timed))
    start = float(np.ravel(last._baseline_prediction)[0])

    def rows(values: np.ndarray, own: np.ndarray) -> np.ndarray:
        return np.column_stack(
            [masks.rows(int(feature), values[:, n]) for n, feature in enumerate(np.flatnonzero(own))]
        )

    by_pair, by_minute = rows(made.pairs, ~made.timed), rows(made.minutes, made.timed)
    return lambda pair, minute: start + masks.total(np.concatenate((by_pair[pair], by_minute[minute])))


class _Features(NamedTuple):
    """A model's features, taken apart."""

    timed: np.ndarray  # which of them the time decides, in the model's order
    pairs: np.ndarray  # those that it doesn't, for all pairs of zones: shape (pairs, features)
    minutes: np.ndarray  # those that it does, for each minute of the week and a missing time: (_WEEK + 1, features)


_TIMED = ("hour", "weekday", "minute_of_week", "hour_sin", "hour_cos", "week_sin", "week_cos")


def _features(model: Any) -> _Features:
    features = model["features"]
    names = list(features.get_feature_names_out())
    if "metered_miles" in names:
        raise NotCompilable("the metered distance isn't known when a ride is booked")
    timed = np.array([name in _TIMED for name in names])
    return _Features(timed, features.transform(_all_pairs())[:, ~timed], features.transform(_all_minutes())[:, timed])


def _all_pairs() -> pd.DataFrame:
    """A ride for each pair of zones, 0 … LAST_ZONE, in the order of their numbers; the time doesn't matter."""
    pickup, dropoff = np.divmod(np.arange(_SIZE**2), _SIZE)
    return _rides(pickup, dropoff, np.full(_SIZE**2, _MONDAY))


def _all_minutes() -> pd.DataFrame:
    """A ride in each minute of a week, and one at no known time; the zones don't matter."""
    times = _MONDAY + np.arange(_WEEK + 1).astype("timedelta64[m]")
    times[_WEEK] = np.datetime64("NaT")
    zone = np.ones(_WEEK + 1, dtype=np.int64)
    return _rides(zone, zone, times)


def _rides(pickup: np.ndarray, dropoff: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(BOOKING_COLUMNS, [pickup, dropoff, times], strict=True)))


@lru_cache(maxsize=1)
def _holidays() -> frozenset[date]:
    """The days on which streets are as empty as on Sundays, as features.TripTime knows them."""
    from course_lib.taxi import features

    return frozenset(features.holidays().astype(object).tolist())


def largest_difference(compiled: Compiled, model: Any, rides: int = 3000, random_state: int = 0) -> float:
    """How far (minutes) the compiled form is from the pipeline, on random ``rides``; NaN or inf if either fails.

    All zones, zones that don't exist, all hours, holidays, several years, and missing times.
    """
    rng = np.random.default_rng(random_state)
    pickups, dropoffs = rng.integers(0, LAST_ZONE + 3, (2, rides))
    minutes = rng.integers(0, 60 * 24 * 365 * 6, rides).astype("timedelta64[m]")
    times = pd.Series((np.datetime64("2020-01-01T00:00", "us") + minutes).astype("datetime64[us]"))
    times[:: max(rides // 20, 1)] = pd.NaT
    expected = np.asarray(model.predict(_rides(pickups, dropoffs, times)), dtype=np.float64)
    clock = [None if time is pd.NaT else time.to_pydatetime() for time in times]
    told = map(compiled.minutes, pickups.tolist(), dropoffs.tolist(), clock)
    return float(np.abs(expected - np.fromiter(told, np.float64, rides)).max())
