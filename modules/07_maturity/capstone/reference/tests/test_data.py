"""The door, the cleaning and the split."""

import pandas as pd
import pytest

from course_lib.errors import CourseError
from rides import data


def test_a_zone_that_there_is_not_turns_the_trips_away(trips):
    trips.loc[trips.index[:40], "PULocationID"] = 999
    with pytest.raises(CourseError, match="PULocationID"):
        data.check(trips)


def test_a_few_bad_rows_are_set_aside(trips):
    trips.loc[trips.index[:2], "DOLocationID"] = 0
    assert len(data.check(trips)) == len(trips) - 2


def test_only_rides_of_1_to_60_minutes_are_learned_from(trips):
    assert data.clean(trips)["duration"].between(1, 60).all()


def test_what_is_judged_on_comes_later_than_what_is_learned_from(trips):
    train, valid = data.split(trips)
    assert train["lpep_pickup_datetime"].max() < valid["lpep_pickup_datetime"].min()
    assert valid["lpep_pickup_datetime"].min() >= pd.Timestamp("2021-01-25")
    assert len(train) > len(valid) > 0
