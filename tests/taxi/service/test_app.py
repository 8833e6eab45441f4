"""What a good question gets."""

from __future__ import annotations

import pandas as pd
import pytest

from course_lib.taxi.service.live import Wanted
from course_lib.taxi.service.rollout import Plan, position
from tests.taxi.service.fakes import RIDE, Broken, Constant, FakeRegistry, service


def test_one_ride(ready):
    answer = ready.predict(headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 200
    assert answer.json == {
        "minutes": 10.2,
        "text": "about 10 minutes",
        "model": {"name": "taxi-duration", "version": 1, "role": "champion"},
        "request_id": "r-1",
    }
    assert answer.headers["X-Request-ID"] == "r-1"


def test_an_odd_request_id_is_replaced(ready):
    answer = ready.predict(headers={"X-Request-ID": "a b;c"})
    assert answer.json["request_id"] != "a b;c"
    assert ready.predict().json["request_id"] != ready.predict().json["request_id"]


def test_many_rides_in_their_order(tmp_path):
    class ByPickup:
        def predict(self, trips):
            return trips["PULocationID"].to_numpy(float)

    with service(tmp_path, FakeRegistry({1: ByPickup()}, Wanted(1))) as made:
        body = made.predict([RIDE | {"pickup": n} for n in (30, 10, 20)]).json
        assert [one["minutes"] for one in body["predictions"]] == [30, 10, 20]


def test_a_model_sees_new_york_time(tmp_path):
    seen = []

    class Looks(Constant):
        def predict(self, trips):
            seen.append(trips)
            return super().predict(trips)

    with service(tmp_path, FakeRegistry({1: Looks(9.0)}, Wanted(1))) as made:
        made.predict(RIDE | {"time": "2021-02-03T13:30:00Z"})
        made.predict(RIDE | {"time": "2021-07-03T13:30:00Z"})
    hours = [str(trips["lpep_pickup_datetime"].iloc[0]) for trips in seen[-2:]]
    assert hours == ["2021-02-03 08:30:00", "2021-07-03 09:30:00"]
    assert list(seen[-1].columns) == ["PULocationID", "DOLocationID", "lpep_pickup_datetime"]


def test_every_prediction_is_kept(ready):
    first = ready.predict(RIDE | {"rider": "anna"}).json
    second = ready.predict([RIDE, RIDE]).json
    rows = ready.stored()
    assert len(rows) == 3
    assert sorted(rows["request_id"]) == sorted([first["request_id"], *[second["request_id"]] * 2])
    row = rows[rows["rider"] == "anna"].iloc[0]
    assert (row["pickup"], row["dropoff"], row["minutes"], row["model_version"]) == (7, 138, 10.2, 1)
    assert row["pickup_time"] == pd.Timestamp("2021-02-03 08:30")
    assert not rows["shadow"].any()


def test_the_same_request_id_twice_is_two_predictions(ready):
    for _ in range(2):
        ready.predict(headers={"X-Request-ID": "again"})
    assert len(ready.stored()) == 2


def test_without_a_model(tmp_path):
    with service(tmp_path, FakeRegistry({}, Wanted(None))) as made:
        answer = made.predict()
        assert answer.status_code == 503
        assert answer.json["errors"][0]["reason"] == "no_model"
        health = made.client.get("/health/ready")
        assert health.status_code == 503
        assert health.json["problems"] == ["no version of taxi-duration is the champion yet"]
        assert made.client.get("/health/live").json == {"live": True}
        assert made.client.get("/day?pickup=7&dropoff=8&date=2021-02-03").status_code == 503


def test_health_and_numbers(ready):
    assert ready.client.get("/health/ready").json == {
        "ready": True,
        "champion": 1,
        "challenger": None,
        "rollout": "off",
        "answers_by": "pipeline (a Constant is no pipeline of this course)",
        "problems": [],
    }
    ready.predict([RIDE] * 3)
    ready.client.get("/predict")
    assert ready.number('taxi_predictions_total{role="champion",version="1"}') == 3
    assert ready.number('taxi_requests_total{method="POST",route="/predict",status="200"}') == 1
    assert ready.number("taxi_predictions_waiting") == 3
    ready.stored()
    assert ready.number("taxi_predictions_waiting") == 0
    assert ready.number("taxi_predictions_stored") == 3
    assert ready.number("taxi_champion_version") == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/static/page.js", 200),
        ("GET", "/none", 404),
        ("PUT", "/predict", 405),
        ("X", "/", 405),
    ],
)
def test_around_every_answer(ready, method, path, status):
    """Whatever happened inside: the id is there to ask about it, the headers are, and it was counted."""
    answer = ready.client.open(path, method=method, headers={"X-Request-ID": "r-1"})
    assert answer.status_code == status
    assert answer.headers.getlist("X-Request-ID") == ["r-1"]
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    route = {"/": "/", "/static/page.js": "/static/<path:filename>"}.get(path, "none") if status == 200 else "none"
    known = method if method != "X" else "other"  # any word may be sent, and makes no series of its own
    assert ready.number(f'taxi_requests_total{{method="{known}",route="{route}",status="{status}"}}') == 1


def test_zones_by_name(ready):
    found = ready.client.get("/zones?q=astoria").json["zones"]
    assert [zone["name"] for zone in found] == ["Astoria", "Astoria Park", "Old Astoria"]
    assert found[0] == {"id": 7, "name": "Astoria", "borough": "Queens", "lon": -73.9197, "lat": 40.7615}
    assert ready.client.get("/zones?q=astorai").json["zones"][0]["name"] == "Astoria"  # a slip of the finger
    assert ready.client.get("/zones?q=qqqqq").json["zones"] == []
    everywhere = ready.client.get("/zones").json["zones"]
    assert len(everywhere) == 263
    assert not {264, 265} & {zone["id"] for zone in everywhere}


def test_over_the_day(tmp_path):
    class ByHour:
        def predict(self, trips):
            return trips["lpep_pickup_datetime"].dt.hour.to_numpy(float) + 1

    with service(tmp_path, FakeRegistry({1: ByHour()}, Wanted(1))) as made:
        body = made.client.get("/day?pickup=7&dropoff=138&date=2021-03-14").json
        assert body["minutes"] == [float(hour + 1) for hour in range(24)]
        assert len(made.stored()) == 0  # nobody asked for these rides


def test_the_page_asks_nobody_else(ready):
    page = ready.client.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for name in ("page.js", "page.css", "icon.svg"):
        file = ready.client.get(f"/static/{name}")
        assert file.status_code == 200
        text = file.get_data(as_text=True).replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text.replace("https://", "http")
    assert "http" not in page.get_data(as_text=True)


# ---- roll-outs ---------------------------------------------------------------------------------------------------


def rolling(folder, plan, challenger=None):
    models = {1: Constant(10.0), 2: challenger or Constant(20.0)}
    return service(folder, FakeRegistry(models, Wanted(1, 2, plan)))


def test_a_shadow_answers_nobody_and_is_kept(tmp_path):
    with rolling(tmp_path, Plan("shadow")) as made:
        body = made.predict([RIDE, RIDE]).json
        assert [one["minutes"] for one in body["predictions"]] == [10.0, 10.0]
        rows = made.stored()
        assert sorted(rows[rows["shadow"]]["minutes"]) == [20.0, 20.0]
        assert sorted(rows[~rows["shadow"]]["minutes"]) == [10.0, 10.0]
        assert made.number('taxi_predictions_total{role="shadow",version="2"}') == 2


def test_a_canary_sticks_to_its_riders(tmp_path):
    riders = [f"rider-{n}" for n in range(2000)]
    with rolling(tmp_path, Plan("canary", 0.1)) as made:
        rides = [RIDE | {"rider": rider} for rider in riders]
        first = [one["model"]["version"] for one in made.predict(rides).json["predictions"]]
        assert [one["model"]["version"] for one in made.predict(rides).json["predictions"]] == first
        assert first == [2 if position(rider) < 0.1 else 1 for rider in riders]
        assert 0.07 < sum(v == 2 for v in first) / len(riders) < 0.13
        assert {one["minutes"] for one in made.predict(rides).json["predictions"]} == {10.0, 20.0}


def test_who_is_in_stays_in_when_the_share_grows():
    riders = [f"rider-{n}" for n in range(500)]
    at = {share: {r for r in riders if Plan("canary", share).gives_challenger(r)} for share in (0.1, 0.2, 0.5)}
    assert at[0.1] < at[0.2] < at[0.5]


@pytest.mark.parametrize("plan", [Plan("shadow"), Plan("canary", 0.999)])
def test_a_challenger_that_fails_costs_nobody_an_answer(tmp_path, plan, caplog):
    with rolling(tmp_path, plan, Broken()) as made:
        answer = made.predict(RIDE | {"rider": "anna"})
        assert answer.json["minutes"] == 10.0
        assert answer.json["model"]["role"] == "champion"
        assert made.number("taxi_challenger_failures_total") == 1
        assert "no idea" in caplog.text
        assert len(made.stored()) == 1
