"""Permutation importance: what the model uses makes it worse when shuffled, what it doesn't use changes nothing."""

import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import models
from course_lib.taxi.evaluation import score
from course_lib.taxi.feature_base import BadTrips
from course_lib.taxi.governance import asking, importance
from tests.taxi.governance.made import WRONG_ANSWERS, Broken, Formula, by_miles
from tests.taxi.samples import rides


def test_what_the_model_does_not_look_at_has_no_importance():
    trips = rides(300)
    table = importance.permutation(Formula(lambda pickup, _dropoff, _hour: pickup * 0.1), trips)
    assert list(table.columns) == ["rise", "low", "high"]
    assert sorted(table.index) == ["drop-off zone", "pickup zone", "time"]
    unused = table.loc[["drop-off zone", "time"]]
    assert (unused == 0).all(axis=None)
    assert table.loc["pickup zone", "rise"] != 0


def test_both_zones_count_for_a_model_of_distance_and_the_table_says_from_what():
    trips = rides(400)
    model = by_miles()
    table = importance.permutation(model, trips, repeats=8)
    assert table.attrs["rmse"] == score(trips["duration"], model.predict(trips))["rmse"]
    assert table.attrs["rides"] == 400
    assert list(table.index)[-1] == "time"
    assert (table["low"] <= table["rise"]).all()
    assert (table["rise"] <= table["high"]).all()
    assert (table["low"].iloc[:2] > 3).all()  # minutes
    assert table["rise"].is_monotonic_decreasing


def test_a_trained_model_needs_its_time_of_day():
    trips = rides(1500)
    model = models.build("boosting").fit(trips, trips["duration"])
    table = importance.permutation(model, trips, repeats=2)
    assert 0 < table.loc["time", "low"] < table.loc["pickup zone", "low"]


def test_a_sample_is_taken_and_is_the_same_again():
    first, again = (importance.permutation(by_miles(), rides(500), 2, rides=100) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert first.attrs["rides"] == 100
    assert not first.equals(importance.permutation(by_miles(), rides(500), 2, 1, rides=100))


def test_trips_stay_as_they_are():
    trips = rides(50)
    before = trips.copy(deep=True)
    importance.permutation(by_miles(), trips)
    pd.testing.assert_frame_equal(trips, before)


@pytest.mark.parametrize(
    ("trips", "options", "words"),
    [
        (rides(10).iloc[:0], {}, "There are no rides"),
        (rides(10).iloc[:1], {}, "only 1 ride: at least 2 are needed"),
        (rides(10), {"repeats": 0}, "At least one shuffle"),
        (rides(10), {"rides": 1}, "'rides' can't be 1"),
        (rides(10).assign(duration=float("nan")), {}, "missing or infinite"),
    ],
)
def test_bad_questions_are_answered_in_words(trips, options, words):
    with pytest.raises(UsageError, match=words):
        importance.permutation(by_miles(), trips, **options)


@pytest.mark.parametrize("column", ["duration", "PULocationID"])
def test_a_missing_column_is_named(column):
    with pytest.raises(BadTrips, match=column):
        importance.permutation(by_miles(), rides(10).drop(columns=column))


@pytest.mark.parametrize(("answer", "words"), WRONG_ANSWERS)
def test_a_model_that_fails_is_said_to(answer, words):
    with pytest.raises(asking.ModelFails, match=words):
        importance.permutation(Broken(answer), rides(10))
