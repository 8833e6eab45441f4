"""SHAP for one ride: parts that add up, that are the Shapley values, and messages for what is no ride."""

import itertools
import math
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import models
from course_lib.taxi.feature_base import BadTrips
from course_lib.taxi.governance import asking, explain
from course_lib.taxi.zones import UnknownZone
from tests.taxi.governance.made import COLUMNS, WRONG_ANSWERS, Broken, Formula, by_miles
from tests.taxi.samples import PLACES, rides

NAMES = ["pickup zone", "drop-off zone", "time"]
RIDE = {"PULocationID": 7, "DOLocationID": 138, "lpep_pickup_datetime": pd.Timestamp("2021-02-03 08:30")}


@pytest.fixture(scope="module")
def model():
    trips = rides(1500)
    return models.build("boosting").fit(trips, trips["duration"])


def by_definition(model, ride, background):
    """Shapley's sum over all orders: what the input changes when it becomes known, on average (Shapley, 1953)."""

    def worth(known):
        mixed = background[COLUMNS].assign(**{name: [ride[name]] * len(background) for name in known})
        return model.predict(mixed.astype({COLUMNS[2]: "datetime64[us]"})).mean()

    values = dict.fromkeys(COLUMNS, 0.0)
    for order in itertools.permutations(COLUMNS):
        for place, name in enumerate(order):
            values[name] += worth(order[: place + 1]) - worth(order[:place])
    return [value / math.factorial(3) for value in values.values()]


def test_the_parts_add_up_to_the_answer(model):
    background = rides(300, seed=2)
    for seed in range(5):
        ride = rides(1, seed=seed + 10)
        found = explain.ride(model, ride, background)
        assert found.minutes == pytest.approx(model.predict(ride[COLUMNS])[0], abs=1e-9)
        assert found.base + found.parts.sum() == pytest.approx(found.minutes, abs=1e-6)
        assert list(found.parts.index) == NAMES


def test_they_are_the_shapley_values_by_definition(model):
    background = rides(40, seed=3)
    found = explain.ride(model, RIDE, background)
    assert list(found.parts) == pytest.approx(by_definition(model, RIDE, background), abs=1e-6)
    assert found.base == pytest.approx(model.predict(background).mean(), abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    pickup=st.sampled_from(PLACES),
    dropoff=st.sampled_from(PLACES),
    hour=st.integers(0, 23),
    weights=st.tuples(*[st.floats(-2, 2).map(lambda x: round(x, 2))] * 3),
)
def test_each_part_of_a_sum_is_its_term_less_the_mean_of_that_term(pickup, dropoff, hour, weights):
    a, b, c = weights
    background = rides(30, seed=4)
    ride = {**RIDE, "PULocationID": pickup, "DOLocationID": dropoff}
    ride["lpep_pickup_datetime"] = pd.Timestamp(2021, 2, 3, hour)
    found = explain.ride(Formula(lambda p, d, h: a * p + b * d + c * h), ride, background)
    hours = background["lpep_pickup_datetime"].dt.hour
    expected = [a * (pickup - background["PULocationID"].mean()), b * (dropoff - background["DOLocationID"].mean())]
    assert list(found.parts) == pytest.approx([*expected, c * (hour - hours.mean())], abs=1e-6)


def test_times_a_minute_apart_are_not_the_same_time():
    background = rides(20).assign(lpep_pickup_datetime=pd.Timestamp("2021-02-03 08:59"))
    model = Formula(lambda _p, _d, hour: hour * 10.0)
    found = explain.ride(model, {**RIDE, "lpep_pickup_datetime": pd.Timestamp("2021-02-03 09:00")}, background)
    assert found.parts["time"] == pytest.approx(10.0)


def test_a_ride_like_the_only_one_in_the_background_has_no_parts():
    found = explain.ride(by_miles(), RIDE, pd.DataFrame([RIDE]))
    assert list(found.parts) == pytest.approx([0, 0, 0], abs=1e-9)


@pytest.mark.parametrize("form", [dict, pd.Series, lambda ride: pd.DataFrame([ride], index=[9]).assign(fare=3)])
def test_a_ride_comes_in_any_of_three_forms(form):
    found = explain.ride(by_miles(), form(RIDE), rides(50))
    assert found.ride == {
        "pickup zone": "Astoria", "drop-off zone": "LaGuardia Airport", "time": "Wednesday, 08:30"
    }  # fmt: skip
    text = str(found)
    assert text.startswith(f"{found.minutes:.1f} minutes: {found.base:.1f} for the usual ride, ")
    assert "from Astoria" in text
    assert "to LaGuardia Airport" in text
    assert set(found.as_dict()) == {"base", "minutes", "parts", "ride"}


def test_a_place_that_is_none_is_a_zone_too():
    ride = {**RIDE, "PULocationID": 264}
    found = explain.ride(Formula(lambda p, _d, _h: p * 0.01), ride, rides(20))
    assert found.parts["pickup zone"] != 0


def test_nothing_is_said_on_the_way(model, capfd):
    explain.ride(model, RIDE, rides(300, seed=2), rides=150)
    assert capfd.readouterr() == ("", "")


def test_importing_the_module_does_not_import_shap():
    import subprocess

    code = "import sys; from course_lib.taxi.governance import explain, plots, card; sys.exit('shap' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_after_the_import_it_is_quick(model):
    import time

    background = rides(300, seed=2)
    explain.ride(model, RIDE, background)
    started = time.perf_counter()
    explain.ride(model, RIDE, background)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("ride", "error", "words"),
    [
        ({**RIDE, "PULocationID": 300}, UnknownZone, "no taxi zone 300"),
        ({**RIDE, "DOLocationID": 7.5}, UnknownZone, "7.5"),
        ({**RIDE, "PULocationID": None}, UnknownZone, "number from 1 to 265"),
        ({**RIDE, "lpep_pickup_datetime": "soon"}, UsageError, "no time to be picked up at: 'soon'"),
        ({**RIDE, "lpep_pickup_datetime": pd.Timestamp("2021-02-03", tz="UTC")}, BadTrips, "carries a time zone"),
        ({key: RIDE[key] for key in COLUMNS[:2]}, BadTrips, "lack lpep_pickup_datetime"),
        ({key: RIDE[key] for key in COLUMNS[1:]}, BadTrips, "lack PULocationID"),
        (rides(2), UsageError, "this is 2: choose one"),
        (rides(2).iloc[:0], UsageError, "this is 0"),
        ([7, 138], UsageError, "not <class 'list'>"),
    ],
)
def test_what_is_no_ride_is_said_in_words(ride, error, words):
    with pytest.raises(error, match=words):
        explain.ride(by_miles(), ride, rides(20))


def test_a_background_must_have_rides():
    with pytest.raises(UsageError, match="There are no rides"):
        explain.ride(by_miles(), RIDE, rides(5).iloc[:0])
    with pytest.raises(UsageError, match="The background has no rides"):
        explain.ride(by_miles(), RIDE, rides(5).assign(lpep_pickup_datetime=pd.NaT))


@pytest.mark.parametrize(("answer", "words"), WRONG_ANSWERS)
def test_a_model_that_fails_is_said_to(answer, words):
    with pytest.raises(asking.ModelFails, match=words):
        explain.ride(Broken(answer), RIDE, rides(20))


def test_a_model_that_throws_dice_cannot_be_explained():
    rng = np.random.default_rng(0)
    with pytest.raises(CourseError, match=r"do not add up.*twice alike"):
        explain.ride(Broken(lambda n: rng.normal(10, 3, n)), RIDE, rides(20))
