"""Partial dependence of what a rider gives: the grid's value and nothing else changes, for every ride."""

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import zones
from course_lib.taxi.feature_base import BadTrips
from course_lib.taxi.governance import asking, dependence
from tests.taxi.governance.made import COLUMNS, WRONG_ANSWERS, Broken, Formula, by_miles
from tests.taxi.samples import booked, rides

TRIPS = rides(200)


class Remembering(Formula):
    """Keeps what it was asked."""

    def predict(self, trips):
        self.asked = trips.copy()
        return super().predict(trips)


def asked_about(what, value):
    """What the model is asked when every ride gets ``value``."""
    model = Remembering(lambda pickup, _dropoff, _hour: pickup * 1.0)
    dependence.partial(model, TRIPS, what, [value])
    return model.asked


def test_hours_are_those_of_the_formula():
    table = dependence.partial(Formula(lambda _pickup, _dropoff, hour: 5.0 + hour), TRIPS, "hour")
    assert table.index.name == "hour"
    assert list(table.index) == list(range(24))
    for column in ("minutes", "low", "high"):
        assert list(table[column]) == [5.0 + hour for hour in range(24)]
    assert set(table["rides"]) == {200}


def test_mean_and_quartiles_are_those_of_the_rides_own_answers():
    model = by_miles()
    answers = model.predict(TRIPS)
    row = dependence.partial(model, TRIPS, "hour", [3]).loc[3]
    assert row["minutes"] == pytest.approx(answers.mean())
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(answers, [0.25, 0.75])))


def test_an_hour_changes_the_hour_and_nothing_else():
    part = asked_about("hour", 17)
    time, was = part[COLUMNS[2]], TRIPS[COLUMNS[2]]
    assert set(time.dt.hour) == {17}
    assert (time.dt.normalize().to_numpy() == was.dt.normalize().to_numpy()).all()
    assert (time.dt.minute.to_numpy() == was.dt.minute.to_numpy()).all()
    assert (part[COLUMNS[:2]].to_numpy() == TRIPS[COLUMNS[:2]].to_numpy()).all()


def test_a_weekday_stays_in_its_week():
    part = asked_about("weekday", 6)
    time, was = part[COLUMNS[2]].reset_index(drop=True), TRIPS[COLUMNS[2]].reset_index(drop=True)
    assert set(time.dt.weekday) == {6}
    assert (time.dt.isocalendar().week == was.dt.isocalendar().week).all()
    assert (time.dt.hour == was.dt.hour).all()


@pytest.mark.parametrize(("what", "column"), [("pickup borough", COLUMNS[0]), ("dropoff borough", COLUMNS[1])])
def test_a_borough_draws_zones_that_riders_there_chose(what, column):
    table = zones.table()["borough"]
    for borough in ("Queens", "Brooklyn"):
        part = asked_about(what, borough)
        there = set(TRIPS[column][TRIPS[column].map(table) == borough])
        assert set(part[column]) <= there
        assert len(set(part[column])) > 1
    usual = dependence.partial(by_miles(), TRIPS, what).index
    assert set(usual) == set(TRIPS[column].map(table))


def test_a_distance_is_kept_to_within_half_a_mile():
    for miles in (1, 4):
        part = asked_about("distance", miles)
        away = zones.distance_miles(part[COLUMNS[0]], part[COLUMNS[1]])
        assert (np.abs(away - miles) <= dependence.TOLERANCE_MILES).all()
    table = dependence.partial(by_miles(4.0), TRIPS, "distance", [0, 1, 2.5, 8, 500])
    assert table.loc[0, "minutes"] == 3.0
    assert table["minutes"].iloc[:4].is_monotonic_increasing
    assert table.loc[8, "minutes"] == pytest.approx(35, abs=2)
    assert table.loc[500, "rides"] == 0
    assert np.isnan(table.loc[500, "minutes"])


def test_rides_from_nowhere_have_no_distance_and_missing_ones_are_left_out():
    trips = booked([264, 7, 999, None], [41, 41, 41, 41], ["2021-02-01 08:00"] * 4)
    table = dependence.partial(Formula(lambda pickup, _d, _h: pickup * 0.0 + 1), trips, "distance", [2])
    assert table.loc[2, "rides"] == 1


def test_a_sample_is_taken():
    assert set(dependence.partial(by_miles(), TRIPS, "hour", rides=30)["rides"]) == {30}
    first, again = (dependence.partial(by_miles(), TRIPS, "pickup borough", rides=30) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize(
    ("what", "grid", "words"),
    [
        ("fare", None, "no dependence on 'fare' to ask for. There is: hour"),
        ("hour", [24], "whole number from 0 to 23, not 24"),
        ("hour", [7.5], "not 7.5"),
        ("hour", [True], "not True"),
        ("weekday", ["Monday"], "0 \\(Monday\\) to 6, not 'Monday'"),
        ("pickup borough", ["Utrecht"], "None of these trips has the pickup borough 'Utrecht'. They have: .*Queens"),
        ("distance", [-1], "miles from 0 up, not -1"),
        ("distance", [float("nan")], "not nan"),
        ("hour", [], "The grid is empty"),
    ],
)
def test_bad_questions_are_answered_in_words(what, grid, words):
    with pytest.raises(UsageError, match=words):
        dependence.partial(by_miles(), TRIPS, what, grid)


def test_no_rides_and_missing_columns_are_said():
    with pytest.raises(UsageError, match="There are no rides"):
        dependence.partial(by_miles(), TRIPS.iloc[:0], "hour")
    with pytest.raises(BadTrips, match="DOLocationID"):
        dependence.partial(by_miles(), TRIPS.drop(columns="DOLocationID"), "hour")
    nowhere = booked([None], [None], ["2021-02-01"])
    with pytest.raises(UsageError, match="no rides with both zones"):
        dependence.partial(by_miles(), nowhere, "hour")


def test_one_ride_will_do():
    assert len(dependence.partial(by_miles(), TRIPS.iloc[[0]], "hour")) == 24


@pytest.mark.parametrize(("answer", "words"), WRONG_ANSWERS)
def test_a_model_that_fails_is_said_to(answer, words):
    with pytest.raises(asking.ModelFails, match=words):
        dependence.partial(Broken(answer), TRIPS, "hour")
