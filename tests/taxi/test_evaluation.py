"""Scores by hand, and every question that has no answer."""

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import evaluation
from tests.taxi.samples import rides


class Says:
    """A fitted model that always answers the same minutes."""

    def __init__(self, minutes):
        self.minutes = minutes

    def predict(self, trips):
        return np.full(len(trips), float(self.minutes))


def test_scores_by_hand():
    scores = evaluation.score([10, 20, 30, 40], [12, 15, 36, 40])
    assert list(scores) == list(evaluation.METRICS)
    assert scores["rmse"] == pytest.approx(np.sqrt((4 + 25 + 36 + 0) / 4))
    assert scores["mae"] == pytest.approx((2 + 5 + 6 + 0) / 4)
    assert scores["bias"] == pytest.approx((2 - 5 + 6 + 0) / 4)
    assert scores["r2"] == pytest.approx(1 - 65 / 500)
    assert scores["within_5"] == 0.75  # 5 minutes off still counts
    assert all(type(value) is float for value in scores.values())


def test_bias_is_negative_when_rides_are_promised_too_short():
    assert evaluation.score([10.0, 20.0], [8.0, 18.0])["bias"] == pytest.approx(-2)


def test_a_perfect_and_an_average_answer():
    assert evaluation.score([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == {
        "rmse": 0,
        "mae": 0,
        "bias": 0,
        "r2": 1,
        "within_5": 1,
    }
    assert evaluation.score([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])["r2"] == 0


@pytest.mark.parametrize("actual", [[7.0], [7.0, 7.0, 7.0]])
def test_r2_is_undefined_without_spread(actual):
    scores = evaluation.score(actual, [8.0] * len(actual))
    assert np.isnan(scores["r2"])
    assert scores["rmse"] == 1


def test_series_are_compared_by_position_not_by_index():
    actual, predicted = pd.Series([1.0, 2.0], index=[5, 6]), pd.Series([1.0, 2.0], index=[6, 5])
    assert evaluation.score(actual, predicted)["rmse"] == 0


@pytest.mark.parametrize(
    ("actual", "predicted", "message"),
    [
        ([], [], "no rides to score"),
        ([1, 2, 3], [1, 2], "3 durations can't be compared with 2 predictions"),
        ([1, np.nan, None], [1, 2, 3], "y has 2 missing or infinite values in 3"),
        ([1, 2, 3], [1, np.inf, 3], "predicted has 1 missing or infinite value in 3"),
        ([1, 2], [[1, 2]], r"predicted must have one number for each ride, not the shape \(1, 2\)"),
        (["ten", "two"], [1, 2], "y must be minutes as numbers"),
        (5.0, 5.0, "one number for each ride"),
    ],
)
def test_what_cannot_be_scored_is_said(actual, predicted, message):
    with pytest.raises(evaluation.BadPredictions, match=message):
        evaluation.score(actual, predicted)


def test_compare_scores_every_model_on_the_same_rides_in_the_order_given():
    trips = rides(60)
    table = evaluation.compare({"b": Says(20), "a": Says(10)}, trips)
    assert table.index.tolist() == ["b", "a"]
    assert table.columns.tolist() == [*evaluation.METRICS, "n"]
    assert table["n"].tolist() == [60, 60]
    expected = evaluation.score(trips["duration"], [10.0] * 60)
    assert table.loc["a", list(evaluation.METRICS)].to_dict() == pytest.approx(expected)


def test_compare_needs_models_durations_and_trips():
    with pytest.raises(UsageError, match="no models"):
        evaluation.compare({}, rides(5))
    with pytest.raises(UsageError, match=r"no column 'duration'.*cleaning.clean"):
        evaluation.compare({"a": Says(1)}, rides(5).drop(columns="duration"))
    with pytest.raises(CourseError, match="no trips to compare"):
        evaluation.compare({"a": Says(1)}, rides(5).iloc[:0])


def test_a_model_that_answers_nonsense_is_caught():
    with pytest.raises(evaluation.BadPredictions, match="predicted has 5 missing"):
        evaluation.compare({"a": Says(np.nan)}, rides(5))
