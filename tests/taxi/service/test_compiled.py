"""The compiled form says what the pipeline says, for every ride there can be; else the pipeline answers."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.pipeline import Pipeline

from course_lib.taxi import cleaning, models, trips
from course_lib.taxi.feature_base import BOOKING_COLUMNS
from course_lib.taxi.features import make_features
from course_lib.taxi.service import served
from course_lib.taxi.service.compiled import TOLERANCE, NotCompilable, compile_model, largest_difference
from course_lib.taxi.service.live import Wanted
from tests.taxi.service.fakes import RIDE, FakeRegistry, service


@pytest.fixture(scope="module")
def rides():
    return cleaning.clean(trips.load("2021-01", source="simulated", rows=6000), "2021-01").trips


@pytest.fixture(scope="module")
def fitted(rides):
    return {name: models.build(name).fit(rides, rides["duration"]) for name in models.NAMES}


@pytest.fixture(scope="module")
def compiled(fitted):
    return {name: compile_model(model) for name, model in fitted.items()}


def table(bookings):
    columns = dict(zip(BOOKING_COLUMNS, zip(*bookings, strict=True), strict=True))
    return pd.DataFrame(columns).astype({BOOKING_COLUMNS[2]: "datetime64[us]"})


zone = st.integers(-2, 300)
moment = st.none() | st.datetimes(datetime(2008, 1, 1), datetime(2045, 1, 1))


@pytest.mark.parametrize("name", models.NAMES)
@settings(max_examples=60, deadline=None)
@given(bookings=st.lists(st.tuples(zone, zone, moment), min_size=1, max_size=40))
def test_equal_to_the_pipeline(fitted, compiled, name, bookings):
    """All zones, numbers that are none, all hours and days, missing times."""
    told = [compiled[name].minutes(*booking) for booking in bookings]
    np.testing.assert_allclose(told, fitted[name].predict(table(bookings)), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", models.NAMES)
def test_equal_for_every_pair_of_zones(fitted, compiled, name):
    times = [datetime(2021, 2, 3, 8, 30), datetime(2021, 7, 4, 23, 59)]  # an ordinary Wednesday, a holiday
    bookings = [(p, d, times[(p + d) % 2]) for p in range(266) for d in range(266)]
    told = [compiled[name].minutes(*booking) for booking in bookings]
    np.testing.assert_allclose(told, fitted[name].predict(table(bookings)), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", models.NAMES)
def test_the_proof_at_loading(fitted, compiled, name):
    assert largest_difference(compiled[name], fitted[name]) <= TOLERANCE


def test_the_proof_finds_a_single_wrong_leaf(rides):
    """One of a few hundred leaves is off by a thousandth of a minute."""
    model = models.build("boosting").fit(rides, rides["duration"])
    form = compile_model(model)
    nodes = model["model"]._predictors[0][0].nodes
    nodes["value"][np.flatnonzero(nodes["is_leaf"])[3]] += 0.001
    assert largest_difference(form, model) == pytest.approx(0.001)


def test_the_proof_notices_a_failing_form(fitted):
    class Silent:
        def minutes(self, *_booking):
            return float("nan")

    assert not largest_difference(Silent(), fitted["mean"]) <= TOLERANCE


def odd_models():
    metered = models.build("boosting", with_distance=True)
    forest = models.DurationPipeline([("features", make_features()), ("model", RandomForestRegressor(3))])
    kinds = models.DurationPipeline(
        [("features", make_features()), ("model", HistGradientBoostingRegressor(max_iter=3, categorical_features=[8]))]
    )
    return {"metered distance": metered, "RandomForestRegressor": forest, "by categories": kinds}


@pytest.mark.parametrize("why", odd_models())
def test_kinds_without_a_compiled_form(rides, why):
    model = odd_models()[why].fit(
        rides[rides["PULocationID"] < 264], rides.loc[rides["PULocationID"] < 264, "duration"]
    )
    with pytest.raises(NotCompilable, match=why):
        compile_model(model)


def test_what_is_no_pipeline():
    with pytest.raises(NotCompilable, match="a dict is no pipeline"):
        compile_model({})
    with pytest.raises(NotCompilable, match="right behind features"):
        compile_model(Pipeline([("model", HistGradientBoostingRegressor())]))


@pytest.fixture
def deployed(fitted, tmp_path):
    def make(model=fitted["boosting"]):
        return service(tmp_path, FakeRegistry({1: model}, Wanted(1)))

    return make


def test_a_single_ride_is_answered_by_the_compiled_form(deployed, fitted, monkeypatch):
    with deployed() as made:
        expected = fitted["boosting"].predict(table([(7, 138, datetime(2021, 2, 3, 8, 30))]))[0]
        asked = []
        monkeypatch.setattr(models.DurationPipeline, "predict", lambda _self, X: asked.append(len(X)) or [9.0] * len(X))
        assert made.predict().json["minutes"] == round(expected, 2)
        assert made.stored()["minutes"].tolist() == [pytest.approx(expected, abs=TOLERANCE)]
        assert asked == []
        assert made.predict([RIDE] * served.MANY).json["predictions"][0]["minutes"] == 9.0
        assert asked == [served.MANY]  # a long list goes through the pipeline at once
        health = made.client.get("/health/ready").json
        assert (health["answers_by"], health["problems"]) == ("compiled form", [])
        assert made.number("taxi_champion_compiled") == 1


def check_pipeline_answers(made, reason, problem):
    assert made.predict().status_code == 200
    health = made.client.get("/health/ready")
    assert health.status_code == 200
    assert reason in health.json["answers_by"]
    assert ([problem in one for one in health.json["problems"]] == [True]) if problem else not health.json["problems"]
    assert made.number("taxi_champion_compiled") == 0
    assert made.number("taxi_problems") == bool(problem)


def test_a_form_that_is_not_equal_is_not_used(deployed, monkeypatch):
    monkeypatch.setattr(served, "largest_difference", lambda *_: 0.25)
    with deployed() as made:
        check_pipeline_answers(made, "differs by up to 0.25 minutes", "version 1 answers by its pipeline, slowly")


def test_a_model_that_can_not_be_compiled_for_whatever_reason(deployed, monkeypatch):
    def fails(_model):
        raise RecursionError("too deep")

    monkeypatch.setattr(served, "compile_model", fails)
    with deployed() as made:
        check_pipeline_answers(made, "pipeline (it could not be compiled", "RecursionError: too deep")


def test_a_model_of_another_kind_is_no_problem(deployed):
    class Ten:
        def predict(self, bookings):
            return np.full(len(bookings), 10.0)

    with deployed(Ten()) as made:
        check_pipeline_answers(made, "pipeline (a Ten is no pipeline of this course)", "")
