"""Four models behind one door: raw trips in, finite minutes out, and nothing but booking-time columns."""

import pickle
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import cleaning, evaluation, models, trips, zones
from course_lib.taxi.features import BOOKING_COLUMNS, BadTrips
from tests.taxi.samples import booked, real_folder, rides

every = pytest.mark.parametrize("name", models.NAMES)
both = pytest.mark.parametrize("with_distance", [False, True], ids=["booking", "metered"])
_fitted = {}


def fitted(name, with_distance=False):
    """One fit of each model on the same rides for all tests; nobody may change it."""
    if (name, with_distance) not in _fitted:
        learned = rides(600)
        _fitted[name, with_distance] = models.build(name, with_distance).fit(learned, learned["duration"])
    return _fitted[name, with_distance]


@every
@both
def test_predicts_minutes_for_each_trip(name, with_distance):
    predicted = fitted(name, with_distance).predict(rides(50, seed=1))
    assert predicted.shape == (50,)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()


def test_every_model_learns_something_and_boosting_most():
    """These rides are little more than distance and hour; their noise is 1.5 minutes, which nobody can predict."""
    rmse = evaluation.compare({name: fitted(name) for name in models.NAMES}, rides(400, seed=1))["rmse"]
    assert rmse.idxmin() == "boosting"
    assert 1.4 < rmse["boosting"] < 0.2 * rmse["mean"]
    assert (rmse[["rule_of_thumb", "linear"]] < 0.4 * rmse["mean"]).all()


@every
def test_two_fits_agree_and_copies_and_pickles_do(name):
    learned, scored = rides(600), rides(80, seed=1)
    expected = fitted(name).predict(scored)
    again = clone(fitted(name)).fit(learned, learned["duration"])
    np.testing.assert_array_equal(again.predict(scored), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(again)).predict(scored), expected)


def test_random_state_reaches_the_trees():
    learned, scored = rides(600), rides(80, seed=1)
    other = models.build("boosting", random_state=1).fit(learned, learned["duration"])
    assert not np.array_equal(other.predict(scored), fitted("boosting").predict(scored))


# --- what is known at booking, and nothing else


@every
def test_columns_known_after_the_ride_change_nothing(name):
    scored = rides(80, seed=1)
    expected = fitted(name).predict(scored[BOOKING_COLUMNS])
    others = [column for column in scored.columns if column not in BOOKING_COLUMNS]
    shuffled = scored.assign(**{column: scored[column].sample(frac=1, random_state=0).to_numpy() for column in others})
    spoiled = scored.assign(trip_distance=-1e9, fare_amount=np.nan, lpep_dropoff_datetime=pd.NaT, duration=np.inf)
    for trips_seen in (scored, shuffled, spoiled, scored[scored.columns[::-1]]):
        np.testing.assert_array_equal(fitted(name).predict(trips_seen), expected)


@pytest.mark.parametrize("column", BOOKING_COLUMNS)
def test_columns_known_at_booking_do_change_the_answer(column):
    scored = rides(80, seed=1)
    shuffled = scored.assign(**{column: scored[column].sample(frac=1, random_state=0).to_numpy()})
    for name in ("rule_of_thumb", "linear", "boosting"):
        assert not np.allclose(fitted(name).predict(shuffled), fitted(name).predict(scored))


@pytest.mark.parametrize("name", ["rule_of_thumb", "linear", "boosting"])
def test_with_distance_the_metered_distance_counts_and_is_needed(name):
    scored = rides(80, seed=1)
    further = scored.assign(trip_distance=scored["trip_distance"] + 5)
    assert fitted(name, True).predict(further).mean() > fitted(name, True).predict(scored).mean()
    with pytest.raises(BadTrips, match="lack trip_distance"):
        fitted(name, True).predict(scored[BOOKING_COLUMNS])


# --- odd trips


@every
@both
def test_unknown_places_and_times_get_finite_answers(name, with_distance):
    odd = booked(
        [264, 265, 74, 999, 74, 1, 74], [74, 265, 264, 74, 999, 84, 75], [*["2021-01-05 09:00"] * 6, None]
    ).assign(trip_distance=[1.0, 0.0, np.nan, 244152.01, -3.0, 2.0, 2.0])
    predicted = fitted(name, with_distance).predict(odd)
    assert np.isfinite(predicted).all()
    assert (predicted > 0).all()


@every
def test_one_trip_is_answered_as_in_a_crowd(name):
    scored = rides(30, seed=1)
    np.testing.assert_allclose(fitted(name).predict(scored.iloc[[4]])[0], fitted(name).predict(scored)[4])


@every
def test_no_trips_have_no_answers(name):
    for nothing in (rides(5).iloc[:0], pd.DataFrame(columns=BOOKING_COLUMNS)):
        predicted = fitted(name).predict(nothing)
        assert predicted.shape == (0,)
        assert predicted.dtype == np.float64


@every
def test_what_cannot_be_learned_from_is_said(name):
    learned, model = rides(10), models.build(name)
    with pytest.raises(CourseError, match="no trips to learn from"):
        model.fit(learned.iloc[:0], [])
    with pytest.raises(UsageError, match="10 trips can't have 9 durations"):
        model.fit(learned, learned["duration"].iloc[:9])
    with pytest.raises(CourseError, match="missing or infinite"):
        model.fit(learned, [np.nan, *[5.0] * 9])
    with pytest.raises(UsageError, match="call fit with y"):
        model.fit(learned)
    with pytest.raises(BadTrips, match="lack DOLocationID"):
        model.fit(learned.drop(columns="DOLocationID"), learned["duration"])


def test_unknown_model():
    with pytest.raises(UsageError, match=r"no model 'forest'\. There are: mean, rule_of_thumb, linear, boosting"):
        models.build("forest")


def test_fitting_and_predicting_use_one_thread():
    class Probe(BaseEstimator):
        def fit(self, X, y):  # noqa: ARG002
            self.seen_ = [_openmp_effective_n_threads()]
            return self

        def predict(self, X):
            self.seen_.append(_openmp_effective_n_threads())
            return np.zeros(len(X))

    model = models.DurationPipeline([("model", Probe())]).fit(rides(5), rides(5)["duration"])
    model.predict(rides(5))
    assert model[-1].seen_ == [1, 1]


# --- the rule of thumb, by hand


def straight(pickup, dropoff):
    return float(zones.distance_miles([pickup], [dropoff])[0])


def by_hand():
    """Two rides of 12 minutes at 8:00 from 74 to 132 and one of 30 at 22:00; the meter says twice the straight line."""
    learned = booked([74, 74, 74, 74], [132, 132, 132, 74], [*["2021-01-05 08:10"] * 2, *["2021-01-05 22:00"] * 2])
    return learned.assign(trip_distance=[2 * straight(74, 132)] * 3 + [0.7]), [12.0, 12.0, 30.0, 6.0]


def test_rule_of_thumb_learns_speeds_and_detour():
    learned, minutes = by_hand()
    rule = models.RuleOfThumb().fit(learned, minutes)
    miles = 2 * straight(74, 132)
    assert rule.detour_factor_ == pytest.approx(2.0)
    assert rule.same_zone_miles_ == pytest.approx(0.7)
    assert rule.mph_by_hour_[8] == pytest.approx(miles / 0.2)
    assert rule.mph_by_hour_[22] == pytest.approx((miles + 0.7) / 0.6)
    assert rule.mph_by_hour_[3] == rule.mph_ == pytest.approx((3 * miles + 0.7) / 1.0)


def test_rule_of_thumb_answers_distance_over_speed():
    learned, minutes = by_hand()
    rule = models.RuleOfThumb().fit(learned, minutes)
    asked = booked(
        [132, 41, 74, 264], [74, 41, 132, 74], ["2021-02-01 08:59", "2021-02-01 08:00", None, "2021-02-01 08:00"]
    )
    expected = [12.0, 0.7 / rule.mph_by_hour_[8] * 60, 2 * straight(74, 132) / rule.mph_ * 60, 12.0]
    np.testing.assert_allclose(rule.predict(asked), expected)


def test_rule_of_thumb_with_distance_trusts_a_sensible_meter_only():
    learned, minutes = by_hand()
    rule = models.RuleOfThumb(with_distance=True).fit(learned, minutes)
    asked = booked([74] * 4, [132] * 4, ["2021-02-01 08:00"] * 4)
    metered = rule.predict(asked.assign(trip_distance=[4.0, 0.0, 90_000.0, np.nan]))
    np.testing.assert_allclose(metered, [4.0 / rule.mph_by_hour_[8] * 60, 12.0, 12.0, 12.0])


def test_rule_of_thumb_without_any_meter_flies_like_a_bird():
    learned, minutes = by_hand()
    rule = models.RuleOfThumb().fit(learned[BOOKING_COLUMNS], minutes)
    assert rule.detour_factor_ == 1.0
    asked = booked([74, 41], [132, 41], ["2021-02-01 08:00"] * 2)
    predicted = rule.predict(asked)
    assert predicted[0] == pytest.approx(12.0)
    assert 0 < predicted[1] < 12


# --- real months


@pytest.fixture(scope="module")
def real_months():
    folder = real_folder()
    return [cleaning.clean(trips.load(month, source=folder), month).trips for month in ("2021-01", "2021-02")]


@pytest.mark.real_data
@pytest.mark.parametrize(("with_distance", "target"), [(False, 6.20), (True, 5.15)], ids=["booking", "metered"])
def test_boosting_reaches_its_target_on_real_trips(real_months, with_distance, target):
    learned, scored = real_months
    start = time.process_time()  # one thread's work: a busy machine doesn't change it
    model = models.build("boosting", with_distance).fit(learned, learned["duration"])
    assert time.process_time() - start < 10
    assert evaluation.score(scored["duration"], model.predict(scored))["rmse"] <= target


@pytest.mark.real_data
def test_real_trips_have_no_leak_through_their_pairs(real_months):
    """Shuffled durations leave nothing to learn: on other rides no model may do worse than the mean by much."""
    learned, scored = real_months
    shuffled = learned["duration"].sample(frac=1, random_state=0).to_numpy()
    model = models.build("linear").fit(learned, shuffled)
    spread = float(np.std(scored["duration"]))
    assert evaluation.score(scored["duration"], model.predict(scored))["rmse"] < 1.02 * spread
