"""Drift is judged by its size; a p-value says how many rides there were."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.feature_base import BadTrips
from course_lib.taxi.monitoring import drift
from tests.taxi.samples import rides


def test_ks_against_its_definition():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=300), rng.normal(0.3, size=200)
    places = np.sort(np.concatenate([one, other]))
    apart = [np.searchsorted(np.sort(side), places, side="right") / len(side) for side in (one, other)]
    assert drift.ks(one, other).statistic == pytest.approx(np.abs(apart[0] - apart[1]).max())


def test_the_same_difference_becomes_significant_with_more_rides():
    values = drift.p_values(0.02, [1_000, 10_000, 100_000])
    assert values.iloc[0] > 0.5 > 0.05 > values.iloc[1] > 1e-10 > values.iloc[2]
    found = ks_2samp(np.arange(1000.0), np.arange(1000.0) + 20, method="asymp")
    assert drift.p_values(found.statistic, [1000]).iloc[0] == pytest.approx(found.pvalue, rel=0.05)
    for wrong, sizes in ((1.5, [10]), (0.1, [0])):
        with pytest.raises(UsageError):
            drift.p_values(wrong, sizes)


def test_a_table_for_what_the_model_sees_and_what_came_true():
    trips = rides(3000).assign(minutes=10.0)
    table = drift.table(trips, trips)
    assert list(table.index) == list(drift.FEATURES)
    assert (table["psi"] == 0).all()
    assert (table["n_current"] == 3000).all()
    judged = table.drop(["pickup zone", "dropoff zone"])["verdict"]
    assert set(judged) == {"none"}


def test_without_labels_and_predictions_they_are_left_out():
    trips = rides(400).drop(columns="duration")
    assert {"predicted", "duration"}.isdisjoint(drift.table(trips, trips).index)


def test_labels_that_are_not_there_yet_are_no_drift():
    trips = rides(2000)
    half = trips.assign(duration=trips["duration"].where(np.arange(2000) % 2 == 0))
    assert drift.table(trips, half).loc["duration", "psi"] < 0.05
    assert "duration" not in drift.table(trips, trips.assign(duration=np.nan)).index


def test_verdicts_by_size_and_not_by_p_value():
    trips = rides(20_000)
    table = drift.table(trips, trips.assign(duration=trips["duration"] * 1.03))
    assert table.loc["duration", "p_value"] < 0.05
    assert table.loc["duration", "verdict"] == "none"
    moved = trips.assign(PULocationID=np.where(np.arange(20_000) % 2, 236, trips["PULocationID"]))
    assert drift.table(trips, moved).loc["pickup borough", "verdict"] == "much"


def test_a_new_zone_is_seen_and_breaks_nothing():
    trips = rides(1000)
    moved = trips.assign(PULocationID=np.where(np.arange(1000) < 200, 999, trips["PULocationID"]))
    table = drift.table(trips, moved)
    assert table.loc["pickup zone", "new"] == pytest.approx(0.2)
    assert np.isfinite(table.loc["pickup zone", "psi"])
    assert table.loc["pickup borough", "verdict"] != "none"


def test_too_few_rides_for_many_categories():
    few = rides(40)
    assert drift.table(few, rides(40, seed=1)).loc["pickup zone", "verdict"] == "too few"


def test_empty_and_wrong_sides():
    trips = rides(50)
    with pytest.raises(CourseError, match="the window is empty"):
        drift.table(trips, trips.iloc[:0])
    with pytest.raises(CourseError, match="the reference is empty"):
        drift.table(trips.iloc[:0], trips)
    with pytest.raises(BadTrips, match="DOLocationID"):
        drift.table(trips, trips.drop(columns="DOLocationID"))
    with pytest.raises(CourseError, match="rides on both sides"):
        drift.ks([1.0], pd.Series([np.nan]))
