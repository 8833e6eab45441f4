"""So many requests a client, and no more; everybody else notices nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from course_lib.errors import UsageError
from course_lib.taxi.service import limiting
from course_lib.taxi.service.around import SAFETY
from course_lib.taxi.service.door import Door
from course_lib.taxi.service.gateway import Gateway
from course_lib.taxi.service.limiting import Limiter, rate
from course_lib.taxi.service.metrics import Metrics
from tests.taxi.service.fakes import RIDE
from tests.taxi.service.test_gateway import Protocol, ask


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=1_000_000.0)
    monkeypatch.setattr(limiting.time, "time", lambda: now.seconds)
    return now


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("100/second", 100, 1), ("5 per minute", 5, 60), ("1000/10 seconds", 1000, 10), (limiting.DEFAULT, 1000, 1)],
)
def test_rates(text, amount, seconds):
    assert (rate(text).amount, rate(text).seconds) == (amount, seconds)


def test_no_rate_at_all():
    assert rate("off") is None
    assert rate(" OFF ") is None


@pytest.mark.parametrize("text", ["", "5", "x", "-3/second", "0/second", "5/fortnight"])
def test_what_is_no_rate(text):
    with pytest.raises(UsageError, match="100/second, 5/minute"):
        rate(text)


def test_a_window_of_each_client(clock):
    limiter = Limiter(rate("3/10 seconds"))
    assert [limiter.seconds_to_wait("10.0.0.1:1000") for _ in range(5)] == [0, 0, 0, 10, 10]
    assert limiter.seconds_to_wait("10.0.0.2:1000") == 0, "another client is another client"
    clock.seconds += 7.5
    assert limiter.seconds_to_wait("10.0.0.1:2000") == 3, "another port is the same client"
    clock.seconds += 2.5
    assert [limiter.seconds_to_wait("10.0.0.1:1000") for _ in range(4)] == [0, 0, 0, 10]


def test_who_has_one_ipv6_address_has_them_all():
    limiter = Limiter(rate("1/minute"))
    assert limiter.seconds_to_wait("[2001:db8:1:2::1]:1000") == 0
    assert limiter.seconds_to_wait("[2001:db8:1:2:ffff::9]:1000") == 60
    assert limiter.seconds_to_wait("[2001:db8:1:3::1]:1000") == 0
    assert limiter.seconds_to_wait("10.0.0.1:1000") == 0
    assert limiter.seconds_to_wait("[::ffff:10.0.0.1]:1000") == 60


def test_this_machine_may_be_spared():
    limiter = Limiter(rate("1/minute"), spare_own=True)
    for own in ("127.0.0.1:1", "[::1]:1"):
        assert [limiter.seconds_to_wait(own) for _ in range(5)] == [0] * 5
    assert [limiter.seconds_to_wait("10.0.0.1:1") for _ in range(2)] == [0, 60]


def test_more_clients_than_can_be_counted(clock):
    limiter = Limiter(rate("2/second"))
    for number in range(30_000):
        assert limiter.seconds_to_wait(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}:1") == 0
        clock.seconds += 0.0001
    assert len(limiter._counts._counts) <= limiting._MOST_CLIENTS
    last = "10.0.117.47:1"
    assert [limiter.seconds_to_wait(last) for _ in range(2)] == [0, 1], "the newest are still counted"


def test_turned_away_before_anything_is_read(ready):
    metrics = ready.app.extensions["taxi"].metrics
    gateway = Gateway(ready.app, max_bytes=10**6, door=Door(metrics, Limiter(rate("2/minute"))))
    body = json.dumps(RIDE).encode()
    said = []
    for _ in range(5):
        protocol = Protocol(body)
        options = {"content_length": str(len(body)), "content_type": "application/json", "x_request_id": "r-1"}
        said.append((ask(gateway, protocol, **options), protocol.read))
    assert [answer.status for answer, _ in said] == [200, 200, 429, 429, 429]
    answer, read = said[-1]
    assert read == 0
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["X-Request-ID"] == "r-1"
    assert dict(SAFETY).items() <= answer.headers.items()
    problem = json.loads(answer.body)
    assert (problem["status"], problem["request_id"]) == (429, "r-1")
    assert problem["errors"][0]["reason"] == "too_many_requests"
    assert ready.number("taxi_requests_limited_total") == 3
    assert ready.number('taxi_requests_total{method="POST",route="none",status="429"}') == 3


def test_a_door_without_a_limit_lets_everybody_in():
    scope = SimpleNamespace(client="10.0.0.1:1", method="GET", path="/", headers={})
    assert [Door(Metrics()).too_often(scope) for _ in range(3)] == [None] * 3


def test_who_watches_the_service_is_counted_apart():
    door = Door(Metrics(), Limiter(rate("2/minute")))

    def asked(path):
        answer = door.too_often(SimpleNamespace(client="10.0.0.1:1", method="GET", path=path, headers={}))
        return 200 if answer is None else answer[0]

    assert [asked("/predict") for _ in range(4)] == [200, 200, 429, 429]
    assert [asked(path) for path in ("/health/ready", "/metrics", "/health/live")] == [200, 200, 429]
