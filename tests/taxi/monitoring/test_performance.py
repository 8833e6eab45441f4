"""Figures by window and by slice: right ones, honest intervals, and none where there are too few rides."""

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi.evaluation import score
from course_lib.taxi.feature_base import straight_miles
from course_lib.taxi.monitoring import performance, slices
from tests.taxi import samples
from tests.taxi.monitoring.made import predictions, rides


def test_figures_are_those_of_evaluation():
    table = rides(300)
    found, known = performance.measure(table), score(table["duration"], table["minutes"])
    assert {name: found[name] for name in ("rmse", "mae", "bias", "r2")} == pytest.approx(
        {name: known[name] for name in ("rmse", "mae", "bias", "r2")}
    )
    assert found["sd"] == pytest.approx(table["duration"].std(ddof=0))
    assert found["r2"] == pytest.approx(1 - found["ratio"] ** 2)


def test_rides_without_a_label_count_as_predictions_only():
    table = rides(300)
    half = table.assign(duration=table["duration"].where(table.index < 150))
    found = performance.measure(half)
    assert (found["predictions"], found["n"]) == (300, 150)
    assert found["rmse"] == pytest.approx(performance.measure(table.iloc[:150])["rmse"])


@pytest.mark.parametrize("n", [0, 1, 99])
def test_too_few(n):
    found = performance.measure(rides(n) if n else rides(5).iloc[:0])
    assert found["n"] == n
    assert not found["enough"]
    assert np.isnan(found["rmse"])


def test_rides_that_are_all_alike_have_no_ratio():
    found = performance.measure(predictions(200).assign(duration=12.0))
    assert found["rmse"] == 2
    assert np.isnan(found["ratio"])


@pytest.mark.parametrize(("figure", "truth"), [("rmse", 3.0), ("ratio", 3 / 8), ("bias", 0.0)])
def test_intervals_hold_the_truth_as_often_as_they_say(figure, truth):
    found = [performance.measure(rides(150, seed)) for seed in range(300)]
    held = np.mean([one[f"{figure}_low"] <= truth <= one[f"{figure}_high"] for one in found])
    assert 0.91 <= held <= 0.985


def test_the_interval_of_the_ratio_is_the_bootstrap_s():
    table, rng = rides(400), np.random.default_rng(0)
    found = performance.measure(table)
    drawn = [performance.measure(table.iloc[rng.integers(0, 400, 400)])["ratio"] for _ in range(400)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (found["ratio_low"], found["ratio_high"]) == pytest.approx((low, high), rel=0.03)


def test_windows_have_borders_on_mondays_and_count_every_ride_once():
    table = rides(1000)  # from Monday, 1 February 2021, 8:00, an hour apart
    weeks = performance.over_time(table, "week")
    assert weeks.index[0] == pd.Timestamp("2021-02-01")
    assert (weeks["end"] - weeks.index == pd.Timedelta("7D")).all()
    assert weeks["predictions"].tolist() == [160, 168, 168, 168, 168, 168]
    days = performance.over_time(table, "day", min_rides=10)
    assert days["predictions"].sum() == 1000
    assert days["enough"].all()
    assert performance.over_time(table, "month").index.strftime("%Y-%m").tolist() == ["2021-02", "2021-03"]


def test_a_window_without_rides_is_no_row_and_no_rides_are_no_rows():
    table = rides(1000)
    gap = table[(table["lpep_pickup_datetime"] < "2021-02-08") | (table["lpep_pickup_datetime"] >= "2021-02-15")]
    assert pd.Timestamp("2021-02-08") not in performance.over_time(gap).index
    nothing = performance.over_time(table.iloc[:0])
    assert nothing.empty
    assert list(nothing.columns) == ["end", *performance.COLUMNS]


def test_asked_wrongly():
    with pytest.raises(UsageError, match="no window 'fortnight'"):
        performance.over_time(rides(5), "fortnight")
    with pytest.raises(UsageError, match="lack duration"):
        performance.measure(predictions(5))
    with pytest.raises(UsageError, match="no slice 'fare'"):
        slices.by_slice(rides(5), "fare")


@pytest.mark.parametrize("by", slices.SLICES)
def test_slices_hold_every_ride_once(by):
    trips = samples.rides(600)
    table = slices.by_slice(trips.assign(minutes=trips["duration"] + 1), by, min_rides=30)
    assert table["n"].sum() == 600
    assert table["n"].is_monotonic_decreasing
    assert table.loc[table["enough"], "bias"].tolist() == pytest.approx([1.0] * table["enough"].sum())


def test_borders_of_slices_and_places_that_are_none():
    trips = samples.booked(
        [7, 7, 264, 999, 74],
        [7, 132, 7, 7, 75],
        [f"2021-02-01 {at}" for at in ("05:59", "06:00", "10:00", "15:00", "19:00")],
    )
    assert slices.of(trips, "hours").tolist() == list(slices._HOURS)
    assert slices.of(trips, "length").tolist()[:4] == ["within a zone", "over 5 miles", "not known", "not known"]
    assert straight_miles(trips)[4] < 2
    assert slices.of(trips, "length").iloc[4] == "under 2 miles"
    assert slices.of(trips, "pickup borough").tolist() == ["Queens", "Queens", "not known", "not known", "Manhattan"]
