"""Every broken question gets a 4xx with a reason for programs, a sentence for people, and the field it is about."""

from __future__ import annotations

import json

import pytest

from course_lib.taxi.service.contract import MAX_RIDES
from tests.taxi.service.fakes import RIDE

LIST = json.dumps([RIDE])


def told(answer, status):
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    body = answer.json
    assert body["status"] == status
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["detail"]
    assert "Traceback" not in answer.get_data(as_text=True)
    return [(error["field"], error["reason"]) for error in body["errors"]]


def send(ready, body, kind="application/json"):
    return ready.client.post("/predict", data=body, content_type=kind)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"pickup": 264}, "pickup", "unknown_zone"),
        ({"pickup": 0}, "pickup", "unknown_zone"),
        ({"dropoff": 1320}, "dropoff", "unknown_zone"),
        ({"dropoff": 10**30}, "dropoff", "unknown_zone"),
        ({"dropoff": 7}, "dropoff", "equal_zones"),
        ({"pickup": "7"}, "pickup", "not_an_integer"),
        ({"pickup": 7.0}, "pickup", "not_an_integer"),
        ({"pickup": True}, "pickup", "not_an_integer"),
        ({"pickup": None}, "pickup", "not_an_integer"),
        ({"pickup": [7]}, "pickup", "not_an_integer"),
        ({"pickup": float("nan")}, "pickup", "not_an_integer"),
        ({"pickup": float("inf")}, "pickup", "not_an_integer"),
        ({"time": "2021-02-03T08:30:00"}, "time", "time_without_offset"),
        ({"time": "2021-02-03"}, "time", "time_without_offset"),
        ({"time": "1850-02-03T08:30:00-05:00"}, "time", "time_out_of_range"),
        ({"time": "2100-01-01T06:00:00Z"}, "time", "time_out_of_range"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time", "time_out_of_range"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "time", "time_out_of_range"),
        ({"time": "half past eight"}, "time", "not_a_time"),
        ({"time": 1612362600}, "time", "not_a_time"),
        ({"time": None}, "time", "not_a_time"),
        ({"fare": 12.5}, "fare", "unknown_field"),
        ({"rider": "Robert'); DROP TABLE"}, "rider", "not_a_rider_id"),
        ({"rider": "x" * 65}, "rider", "not_a_rider_id"),
    ],
)
def test_one_wrong_field(ready, change, field, reason):
    assert told(send(ready, json.dumps(RIDE | change)), 422) == [(field, reason)]
    assert told(send(ready, json.dumps([RIDE, RIDE | change])), 422) == [(f"[1].{field}", reason)]
    assert len(ready.stored()) == 0  # of the good ride in the same list neither: all or nothing


def test_several_at_once(ready):
    assert told(send(ready, "{}"), 422) == [("pickup", "missing"), ("dropoff", "missing"), ("time", "missing")]
    many = [RIDE | {"pickup": 999}] * 500
    answer = send(ready, json.dumps(many))
    assert len(told(answer, 422)) == 20
    assert "and 499 more" in answer.json["detail"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("", 400, "no_body"),
        ("  \n", 400, "no_body"),
        ("{", 400, "broken_json"),
        ('{"pickup": 7,}', 400, "broken_json"),
        (b"\xff\xfe\x00", 400, "broken_json"),
        ("[" * 50_000, 400, "broken_json"),
        ('{"pick\\ud800up": 7}', 400, "broken_json"),
        ("[]", 422, "no_rides"),
        ("null", 422, "not_an_object"),
        ('"Astoria"', 422, "not_an_object"),
        ("NaN", 422, "not_an_object"),
        ("[7, 138]", 422, "not_an_object"),
    ],
)
def test_bodies_that_are_no_ride(ready, body, status, reason):
    assert {found for _, found in told(send(ready, body), status)} == {reason}


def test_more_than_fits(ready):
    assert told(send(ready, json.dumps({"pickup": "x" * 10_000_000})), 413) == [("", "too_large")]
    assert told(send(ready, json.dumps([RIDE] * 100_000)), 413) == [("", "too_large")]
    short = json.dumps(RIDE | {"time": "2021-02-03T08:30Z"}).replace(" ", "")
    assert told(send(ready, "[" + ",".join([short] * (MAX_RIDES + 1)) + "]"), 422) == [("", "too_many_rides")]
    assert send(ready, "[" + ",".join([short] * MAX_RIDES) + "]").status_code == 200


def test_the_wrong_kind_of_request(ready):
    assert told(send(ready, json.dumps(RIDE), "text/plain"), 415) == [("", "not_json")]
    assert told(send(ready, "pickup=7&dropoff=138", "application/x-www-form-urlencoded"), 415) == [("", "not_json")]
    answer = ready.client.get("/predict")
    assert told(answer, 405) == [("", "wrong_method")]
    assert "POST" in answer.headers["Allow"]
    assert told(ready.client.get("/predictions"), 404) == [("", "no_such_page")]


def test_a_day_that_is_none(ready):
    assert told(ready.client.get("/day"), 422) == [(name, "missing") for name in ("pickup", "dropoff", "date")]
    wrong = ready.client.get("/day?pickup=264&dropoff=x&date=2021-02-30")
    assert told(wrong, 422) == [("pickup", "unknown_zone"), ("dropoff", "not_an_integer"), ("date", "not_a_date")]


def test_a_mistake_of_ours_is_logged_and_not_shown(ready, caplog):
    ready.models.state = None  # nothing that can be asked does this
    answer = ready.predict(headers={"X-Request-ID": "find-me"})
    assert told(answer, 500) == [("", "internal")]
    assert "find-me" in caplog.text
    assert "AttributeError" in caplog.text
    assert "AttributeError" not in answer.get_data(as_text=True)
