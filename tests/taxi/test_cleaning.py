"""Kept trips and an account of every row: the counts add up to what came in, whatever came in."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import UsageError
from course_lib.taxi import cleaning, months, trips
from tests.taxi.samples import real_folder

START = pd.Timestamp("2021-01-10 12:00")


def frame(minutes, pickup=START, zones=(7, 8)):
    """Trips of so many minutes (NaN: no drop-off time)."""
    minutes = np.asarray(minutes, dtype=float)
    times = pd.Series([pickup] * len(minutes)) if isinstance(pickup, pd.Timestamp) else pd.Series(pickup)
    times = times.astype("datetime64[us]")
    length = pd.to_timedelta(pd.Series(minutes * 60).round(), unit="s")
    return pd.DataFrame(
        {
            "lpep_pickup_datetime": times,
            "lpep_dropoff_datetime": (times + length).astype("datetime64[us]"),
            "PULocationID": zones[0],
            "DOLocationID": zones[1],
        }
    )


def test_each_reason_is_counted_once_and_in_order():
    rows = frame([-5, 0, 0.5, 1, 30, 60, 60.5, 1430, np.nan])
    cleaned = cleaning.clean(rows)
    assert cleaned.account.index.tolist() == list(cleaning.REASONS)
    assert cleaned.account.to_dict() == {
        "out of month": 0,
        "no positive duration": 3,
        "too short": 1,
        "too long": 2,
        "unknown zone": 0,
        "kept": 3,
    }
    assert cleaned.trips["duration"].tolist() == [1, 30, 60]
    assert cleaned.trips.index.tolist() == [3, 4, 5], "labels stay"
    assert cleaned.kept_share == pytest.approx(3 / 9)


def test_a_row_of_another_year_counts_as_that_even_if_it_is_too_long_too():
    pickups = [START, pd.Timestamp("2009-01-01"), pd.Timestamp("2021-01-31 23:59:59"), pd.Timestamp("2021-02-01")]
    rows = frame([10, 2000, 10, 10], pickups)
    assert cleaning.clean(rows, "2021-01").account[["out of month", "kept"]].tolist() == [2, 2]
    assert cleaning.clean(rows).account[["out of month", "kept"]].tolist() == [0, 3]


def test_unknown_zones_stay_unless_they_are_to_go():
    rows = pd.concat([frame([10], zones=(264, 7)), frame([10], zones=(7, 265)), frame([10])], ignore_index=True)
    assert cleaning.clean(rows).account["kept"] == 3
    strict = cleaning.clean(rows, drop_unknown_zones=True)
    assert strict.account[["unknown zone", "kept"]].tolist() == [2, 1]


def test_the_input_is_left_alone_and_cleaning_twice_changes_nothing():
    rows = frame([0, 5, 100])
    before = rows.copy()
    once = cleaning.clean(rows)
    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(cleaning.clean(once.trips).trips, once.trips)


def test_no_rows_at_all():
    cleaned = cleaning.clean(frame([]))
    assert cleaned.account.sum() == 0
    assert cleaned.trips.empty
    assert "duration" in cleaned.trips
    assert np.isnan(cleaned.kept_share)


def test_limits_that_leave_nothing_and_months_that_are_none():
    with pytest.raises(UsageError, match=r"min_minutes \(5\) must not exceed max_minutes \(2\)"):
        cleaning.clean(frame([3]), min_minutes=5, max_minutes=2)
    with pytest.raises(months.MonthNotFound, match="YYYY-MM"):
        cleaning.clean(frame([3]), month="January")


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.floats(-2000, 3000), st.just(float("nan"))),
            st.datetimes(pd.Timestamp("2008-06-01").to_pydatetime(), pd.Timestamp("2021-03-01").to_pydatetime()),
            st.integers(1, 265),
        ),
        max_size=40,
    ),
    month=st.sampled_from([None, "2021-01", "2009-01"]),
    limits=st.tuples(st.floats(0, 30), st.floats(30, 200)),
    strict=st.booleans(),
)
def test_counts_always_add_up_and_kept_trips_keep_the_rules(rows, month, limits, strict):
    minutes, pickups, zones = zip(*rows, strict=True) if rows else ((), (), ())
    raw = frame(list(minutes), list(pickups), (7, list(zones)))
    cleaned = cleaning.clean(raw, month, *limits, drop_unknown_zones=strict)
    assert cleaned.account.sum() == len(raw)
    assert (cleaned.account >= 0).all()
    assert cleaned.account["kept"] == len(cleaned.trips)
    assert cleaned.trips["duration"].between(*limits).all()
    assert set(cleaned.trips.index) <= set(raw.index)
    if month:
        assert (cleaned.trips["lpep_pickup_datetime"].dt.strftime("%Y-%m") == month).all()
    if strict:
        assert not cleaned.trips["DOLocationID"].isin([264, 265]).any()


def test_a_simulated_month_has_dirt_under_every_reason():
    account = cleaning.clean(trips.load("2021-04", source="simulated"), "2021-04", drop_unknown_zones=True).account
    assert (account > 0).all()
    assert account["kept"] / account.sum() > 0.9


@pytest.mark.real_data
def test_real_january_is_accounted_for_to_the_row():
    raw = trips.load("2021-01", source=real_folder())
    account = cleaning.clean(raw, "2021-01").account
    assert account.to_dict() == {
        "out of month": 3,
        "no positive duration": 66,
        "too short": 1382,
        "too long": 1161,
        "unknown zone": 0,
        "kept": 73906,
    }
