"""The model: it can be repeated, knows nothing it must not, and answers sensibly."""

import numpy as np
import pytest

from course_lib.taxi.features import BOOKING_COLUMNS
from rides.data import split
from rides.model import predict, train


@pytest.fixture(scope="module")
def model(month):
    return train(month)


def test_the_same_trips_give_the_same_model(month, model, rides):
    np.testing.assert_allclose(predict(train(month), rides), predict(model, rides))


def test_fares_make_no_difference(month, model, rides):
    richer = month.assign(fare_amount=month["fare_amount"] * 3, trip_distance=0.0)
    np.testing.assert_allclose(predict(train(richer), rides), predict(model, rides))


def test_the_answers_are_minutes_one_for_each_ride(model, rides):
    minutes = predict(model, rides)
    assert minutes.shape == (len(rides),)
    assert np.all((minutes >= 1) & (minutes < 120))


def test_a_longer_way_takes_longer(model, rides):
    short, long, _ = predict(model, rides)
    assert long > short + 5


def test_it_is_better_than_the_mean_on_later_rides(month):
    learned, later = split(month)
    model = train(learned)
    error = np.sqrt(np.mean((predict(model, later[BOOKING_COLUMNS]) - later["duration"]) ** 2))
    assert error < 0.85 * later["duration"].std()
