"""Error by slice: right figures, honest counts, intervals that hold what they promise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import UsageError
from course_lib.taxi.feature_base import BadTrips
from course_lib.taxi.governance import fairness
from course_lib.taxi.monitoring import slices
from tests.taxi.samples import booked


def wrong_by(errors, pickups=7, start="2021-02-01 08:00", step="1h"):
    """Rides of 10 minutes whose promises are wrong by so many minutes."""
    n = len(errors)
    frame = booked(np.resize(pickups, n), np.full(n, 138), pd.date_range(start, periods=n, freq=step))
    return frame.assign(duration=10.0, minutes=10.0 + np.asarray(errors, dtype=float))


def test_figures_of_each_borough_are_those_of_its_rides():
    # zone 7 is in Queens, 41 in Manhattan, 264 nowhere
    rides = wrong_by([3, 4, -6, 8, 100], pickups=[7, 7, 41, 41, 264])
    table = fairness.error_by(rides, "pickup borough", min_rides=2)
    assert list(table.columns) == list(fairness.COLUMNS)
    assert table.index.name == "pickup borough"
    queens, manhattan, nowhere = table.loc["Queens"], table.loc["Manhattan"], table.loc["not known"]
    assert (queens["n"], queens["enough"]) == (2, True)
    assert queens["rmse"] == pytest.approx(np.sqrt(12.5))
    assert (queens["bias"], queens["within_5"]) == (3.5, 1.0)
    assert (manhattan["bias"], manhattan["within_5"]) == (1.0, 0.0)
    assert (nowhere["n"], nowhere["enough"]) == (1, False)
    assert nowhere.drop(["n", "enough"]).isna().all()


def test_hours_come_in_order_as_numbers_and_only_those_there_are():
    table = fairness.error_by(wrong_by([1.0] * 30, start="2021-02-01 20:00"), "hour", min_rides=1)
    assert list(table.index) == list(range(24))
    assert table["n"].sum() == 30
    assert table.loc[20, "n"] == 2
    few = fairness.error_by(wrong_by([1.0] * 3, start="2021-02-01 22:00"), "hour", min_rides=1)
    assert list(few.index) == [0, 22, 23]


@pytest.mark.parametrize("by", ["pickup borough", "dropoff borough", "hours", "length"])
def test_slices_are_those_that_monitoring_watches(by):
    rides = wrong_by(np.arange(40.0), pickups=[7, 41, 61, 264])
    table = fairness.error_by(rides, by, min_rides=1)
    assert table["n"].to_dict() == slices.by_slice(rides, by, 1)["n"].to_dict()
    assert table["n"].is_monotonic_decreasing


def test_rides_without_a_label_are_not_counted():
    rides = wrong_by([1.0, 2.0, 3.0])
    rides.loc[1, "duration"] = np.nan
    assert fairness.overall(rides, 1)["n"] == 2
    assert fairness.error_by(rides, "pickup borough", 1).loc["Queens", "bias"] == 2.0


@settings(max_examples=40, deadline=None)
@given(
    errors=st.lists(st.floats(-30, 30).map(lambda x: round(x, 3)), min_size=10, max_size=60),
    unit=st.sampled_from(fairness.UNITS),
)
def test_intervals_are_in_order_and_within_the_errors(errors, unit):
    row = fairness.overall(wrong_by(errors, step="12h"), 2, resample=unit, repeats=50)
    assert 0 <= row["rmse_low"] <= row["rmse_high"] <= max(np.abs(errors)) + 1e-9
    assert min(errors) - 1e-9 <= row["bias_low"] <= row["bias_high"] <= max(errors) + 1e-9
    assert abs(row["bias"]) <= row["rmse"] + 1e-9


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    hits = 0
    for round_ in range(200):
        row = fairness.overall(wrong_by(rng.normal(1.0, 3.0, 80)), 2, repeats=200, random_state=round_)
        hits += row["bias_low"] <= 1.0 <= row["bias_high"]
    assert 178 <= hits <= 199  # 190 expected; the percentile interval of 80 rides is a little narrow


def test_drawing_days_tells_that_a_snowstorm_is_one_piece_of_news():
    rng = np.random.default_rng(1)
    by_day = np.repeat(rng.normal(0, 3, 20), 24)
    rides = wrong_by(by_day + rng.normal(0, 1, 480), start="2021-02-01 00:00")
    width = {
        unit: (row := fairness.overall(rides, 2, resample=unit))["bias_high"] - row["bias_low"]
        for unit in fairness.UNITS
    }
    assert width["days"] > 3 * width["rides"]


def test_few_days_give_figures_without_intervals():
    row = fairness.overall(wrong_by(np.ones(88)), 2, resample="days")  # four days
    assert row["rmse"] == 1.0
    assert np.isnan([row["rmse_low"], row["bias_high"]]).all()


def test_the_same_seed_gives_the_same_table_and_another_one_another():
    rides = wrong_by(np.random.default_rng(0).normal(0, 3, 300))
    first, again = (fairness.error_by(rides, "hour", 1) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(fairness.error_by(rides, "hour", 1, random_state=1))


def test_the_rides_are_left_as_they_are():
    rides = wrong_by(np.arange(50.0))
    before = rides.copy(deep=True)
    fairness.error_by(rides, "pickup borough")
    pd.testing.assert_frame_equal(rides, before)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda rides: rides, {"by": "district"}, "no slice 'district'. There are: pickup borough"),
        (lambda rides: rides, {"by": "hour", "resample": "weeks"}, "draws rides or days, not 'weeks'"),
        (lambda rides: rides, {"by": "hour", "repeats": 5}, "too few for a 95 % interval"),
        (lambda rides: rides.iloc[:0], {"by": "hour"}, "no rides with a duration"),
        (lambda rides: rides.assign(duration=np.nan), {"by": "hour"}, "nothing is known about errors yet"),
        (lambda rides: rides.assign(minutes=np.nan), {"by": "hour"}, "3 missing or infinite predictions"),
    ],
)
def test_bad_questions_are_answered_in_words(change, options, words):
    with pytest.raises(UsageError, match=words):
        fairness.error_by(change(wrong_by([1.0, 2.0, 3.0])), **options)


@pytest.mark.parametrize("column", ["minutes", "duration", "lpep_pickup_datetime"])
def test_a_missing_column_is_named(column):
    with pytest.raises(BadTrips, match=column):
        fairness.error_by(wrong_by([1.0, 2.0]).drop(columns=column), "hour")
