"""What a model sees of a trip, and above all what it must not see."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import features, zones
from tests.taxi.samples import booked, rides

EACH = [
    features.ZoneGeometry(),
    features.Boroughs(),
    features.Boroughs(one_hot=True),
    features.TripTime(),
    features.TripTime(cyclic=True),
    features.SmoothedMeans(),
    features.MeteredDistance(),
    features.make_features(),
    features.make_features(with_distance=True, linear=True),
]
each = pytest.mark.parametrize("transformer", EACH, ids=lambda t: repr(t).split("(transformer_list")[0])


def fitted(transformer, trips):
    return clone(transformer).fit(trips, trips["duration"])


def named(transformer, trips):
    """Features of trips as a DataFrame; the transformer learns from other, made-up rides."""
    return clone(transformer).set_output(transform="pandas").fit(rides(), rides()["duration"]).transform(trips)


# --- every transformer keeps the rules of its trade


@each
def test_shape_names_and_type_agree(transformer):
    made = fitted(transformer, rides()).transform(rides(30))
    names = fitted(transformer, rides()).get_feature_names_out()
    assert made.shape == (30, len(names))
    assert made.dtype == np.float64
    assert len(set(names)) == len(names)


@each
def test_copies_and_pickles_give_the_same_features(transformer):
    one = fitted(transformer, rides())
    assert clone(one).get_params().keys() == one.get_params().keys()
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(again.transform(rides(50)), one.transform(rides(50)))
    np.testing.assert_array_equal(fitted(one, rides()).transform(rides(50)), one.transform(rides(50)))


@each
def test_pandas_output_keeps_the_index_and_names(transformer):
    trips = rides(20).set_axis(range(500, 480, -1))
    made = named(transformer, trips)
    assert list(made.index) == list(trips.index)
    assert list(made.columns) == list(fitted(transformer, rides()).get_feature_names_out())


@each
def test_one_row_gives_the_same_as_many_and_none_gives_none(transformer):
    one = fitted(transformer, rides())
    trips = rides(40)
    np.testing.assert_allclose(one.transform(trips.iloc[[7]])[0], one.transform(trips)[7])
    assert one.transform(trips.iloc[:0]).shape == (0, len(one.get_feature_names_out()))


@each
def test_the_trips_stay_as_they_were(transformer):
    trips, before = rides(), rides()
    clone(transformer).fit_transform(trips, trips["duration"])
    pd.testing.assert_frame_equal(trips, before)


@each
def test_a_missing_column_is_named(transformer):
    trips = rides()
    one = fitted(transformer, trips)
    gone = "lpep_pickup_datetime" if isinstance(transformer, features.TripTime) else "DOLocationID"
    with pytest.raises(features.BadTrips, match=f"lack {gone}"):
        one.transform(trips.drop(columns=gone))


def test_booking_features_ignore_everything_known_only_after_the_ride():
    trips = rides()
    spoiled = trips.assign(trip_distance=1e9, fare_amount=-1.0, lpep_dropoff_datetime=pd.NaT, duration=np.nan)
    for linear in (False, True):
        one = fitted(features.make_features(linear=linear), trips)
        np.testing.assert_array_equal(one.transform(spoiled), one.transform(trips[features.BOOKING_COLUMNS]))


def test_only_data_frames_are_taken():
    with pytest.raises(UsageError, match="DataFrame"):
        features.ZoneGeometry().fit([[7, 74]])


# --- geometry and boroughs


def test_miles_are_the_great_circle_between_centroids():
    pairs = np.array([(a, b) for a in range(1, 264, 7) for b in range(1, 264, 11)])
    made = named(features.ZoneGeometry(), booked(pairs[:, 0], pairs[:, 1], ["2021-01-05"] * len(pairs)))
    np.testing.assert_allclose(made["miles"], zones.distance_miles(pairs[:, 0], pairs[:, 1]), rtol=2e-3, atol=1e-9)
    np.testing.assert_allclose(np.hypot(made["miles_east"], made["miles_north"]), made["miles"])


def test_bearing_and_parts_point_the_right_way():
    # JFK (132) lies south-east of East Harlem North (74); the way back points the other way
    there, back = named(features.ZoneGeometry(), booked([74, 132], [132, 74], ["2021-01-05"] * 2)).to_dict("records")
    assert there["miles_east"] > 5
    assert there["miles_north"] < -5
    assert -np.pi / 2 < there["bearing"] < 0
    assert back["miles_east"] == pytest.approx(-there["miles_east"])
    assert back["miles"] == pytest.approx(there["miles"])
    assert there["dropoff_lon"] == zones.zone(132).lon


@pytest.mark.parametrize("nowhere", [264, 265, 0, 999, -3, 7.5, np.nan, None])
def test_no_known_place_has_no_geometry(nowhere):
    made = named(features.ZoneGeometry(), booked([nowhere], [74], ["2021-01-05"])).iloc[0]
    assert made[["miles", "miles_east", "miles_north", "bearing", "pickup_lon", "pickup_lat"]].isna().all()
    assert made["dropoff_lat"] == zones.zone(74).lat


def test_numbers_of_any_type_are_the_same_zones():
    trips = booked([7, 74], [74, 7], ["2021-01-05"] * 2)
    expected = named(features.ZoneGeometry(), trips)
    for kind in ("int32", "float64", "Int64", "str"):
        typed = trips.astype({"PULocationID": kind, "DOLocationID": kind})
        pd.testing.assert_frame_equal(named(features.ZoneGeometry(), typed), expected)


def test_boroughs_as_numbers_and_as_columns():
    trips = booked([7, 74, 264], [1, 97, 132], ["2021-01-05"] * 3)  # Queens→EWR, Manhattan→Brooklyn, ?→Queens
    assert named(features.Boroughs(), trips).to_numpy().tolist() == [[4, 2], [3, 1], [6, 4]]
    columns = named(features.Boroughs(one_hot=True), trips)
    assert columns.loc[0][columns.loc[0] == 1].index.tolist() == ["pickup_queens", "dropoff_ewr"]
    assert columns.loc[2][columns.loc[2] == 1].index.tolist() == ["dropoff_queens"]


# --- time


def test_clock_and_calendar():
    made = named(features.TripTime(), booked(7, 7, ["2021-01-05 17:30:59", "2021-01-10 00:00:00"]))
    assert made.to_numpy().tolist() == [[17.5, 1, 1440 + 17.5 * 60], [0, 6, 6 * 1440]]


def test_holidays_are_sundays():
    days = ["2021-01-01", "2021-01-18", "2021-02-15", "2021-12-24", "2021-01-19"]  # four holidays, one Tuesday
    assert named(features.TripTime(), booked(7, 7, days))["weekday"].tolist() == [6, 6, 6, 6, 1]


def test_cyclic_time_joins_midnight_and_sunday_to_monday():
    made = named(
        features.TripTime(cyclic=True), booked(7, 7, ["2021-01-10 23:59", "2021-01-11 00:00", "2021-01-11 12:00"])
    )
    waves = made[["hour_sin", "hour_cos", "week_sin", "week_cos"]].to_numpy()
    assert np.abs(waves[0] - waves[1]).max() < 0.01
    assert np.abs(waves[0] - waves[2]).max() > 1.9


def test_missing_time_is_missing():
    assert named(features.TripTime(cyclic=True), booked(7, 7, ["2021-01-10", None])).loc[1].isna().all()


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["2021-01-05 10:00"], "pd.to_datetime"),
        ([1609840800], "pd.to_datetime"),
        (pd.to_datetime(["2021-01-05 10:00"]).tz_localize("UTC"), "time zone"),
    ],
)
def test_times_that_are_none_are_refused(times, message):
    trips = booked([7], [74], ["2021-01-05"]).assign(lpep_pickup_datetime=times)
    with pytest.raises(features.BadTrips, match=message):
        features.TripTime().fit(trips)


# --- smoothed means: the target enters here, so leaks would too


def test_means_by_hand():
    trips = booked([7, 7, 7, 74], [74, 74, 7, 74], ["2021-01-05"] * 4)
    minutes = [10.0, 20.0, 6.0, 4.0]  # mean 10
    one = features.SmoothedMeans(smooth=2.0).fit(trips, minutes)
    made = one.transform(booked([7, 7, 82], [74, 82, 82], ["2021-01-05"] * 3))
    pair, pickup, dropoff = (30 + 2 * 10) / 4, (36 + 2 * 10) / 5, (34 + 2 * 10) / 5
    np.testing.assert_allclose(made, [[pair, pickup, dropoff], [10, pickup, 10], [10, 10, 10]])


def test_pairs_have_a_direction():
    trips = booked([7, 7, 74, 74], [74, 74, 7, 7], ["2021-01-05"] * 4)
    made = features.SmoothedMeans(smooth=0.0).fit(trips, [10.0, 10.0, 30.0, 30.0]).transform(trips)
    assert made[:, 0].tolist() == [10, 10, 30, 30]


def test_random_targets_cannot_be_read_from_training_features():
    """With durations that are pure noise, a trip's own must not show in its features; the full means do show it."""
    rng = np.random.default_rng(3)
    trips = rides(2000)
    noise = rng.exponential(15, len(trips))
    learned = features.SmoothedMeans(smooth=1.0).fit_transform(trips, noise)
    full = features.SmoothedMeans(smooth=1.0).fit(trips, noise).transform(trips)
    out_of_fold, leaking = (np.corrcoef(made[:, 0], noise)[0, 1] for made in (learned, full))
    assert abs(out_of_fold) < 0.1
    assert leaking > 0.3


def test_a_trips_own_duration_never_touches_its_own_training_features():
    trips = rides(200)
    minutes = trips["duration"].to_numpy()
    before = features.make_features().fit_transform(trips, minutes)
    for row in (0, 57, 199):
        changed = minutes.copy()
        changed[row] = 1e6
        after = features.make_features().fit_transform(trips, changed)
        np.testing.assert_array_equal(after[row], before[row])
        assert not np.array_equal(after, before)


def test_every_trip_is_told_by_the_others_as_random_state_draws_them():
    trips = rides(300)
    made = [features.SmoothedMeans(random_state=s).fit_transform(trips, trips["duration"]) for s in (0, 0, 1)]
    np.testing.assert_array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_few_trips_have_fewer_folds_and_one_has_none():
    trips = rides(3)
    assert np.isfinite(features.SmoothedMeans().fit_transform(trips, trips["duration"])).all()
    with pytest.raises(CourseError, match="at least 2 trips"):
        features.SmoothedMeans().fit(trips.iloc[:1], trips["duration"].iloc[:1])
    with pytest.raises(UsageError, match="call fit with y"):
        features.SmoothedMeans().fit(trips)


# --- the metered distance, for lessons


def test_absurd_metered_distances_are_cut():
    trips = booked([74] * 4, [75] * 4, ["2021-01-05"] * 4).assign(trip_distance=[244152.01, -2.0, 1.5, np.nan])
    made = named(features.MeteredDistance(), trips)
    np.testing.assert_array_equal(made["metered_miles"], [60, 0, 1.5, np.nan])
    straight = zones.distance_miles([74], [75])[0]
    assert made["detour"].iloc[2] == pytest.approx(1.5 / straight)


def test_the_detour_within_a_zone_stays_finite():
    trips = booked([74], [74], ["2021-01-05"]).assign(trip_distance=0.9)
    assert named(features.MeteredDistance(), trips)["detour"].iloc[0] == pytest.approx(3.0)


def test_distance_enters_only_when_asked_for():
    with_it = features.make_features(with_distance=True).fit(rides(), rides()["duration"])
    without = features.make_features().fit(rides(), rides()["duration"])
    extra = set(with_it.get_feature_names_out()) - set(without.get_feature_names_out())
    assert extra == {"metered_miles", "detour"}
