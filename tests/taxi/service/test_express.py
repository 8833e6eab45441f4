"""The short way of a single ride gives what the ordinary way gives, byte by byte, or nothing."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

from course_lib.taxi import models
from course_lib.taxi.service.express import Express
from course_lib.taxi.service.ids import new_id
from course_lib.taxi.service.live import Wanted
from course_lib.taxi.service.rollout import Plan
from tests.taxi.samples import rides
from tests.taxi.service.fakes import RIDE, Constant, FakeRegistry, service


@pytest.fixture(scope="module")
def fitted():
    trips = rides(200)
    return {name: models.build(name).fit(trips, trips["duration"]) for name in ("mean", "linear")}


@pytest.fixture
def made(fitted, tmp_path):
    with service(tmp_path, FakeRegistry({1: fitted["linear"], 2: fitted["mean"], 3: Constant(5.0)}, Wanted(1))) as one:
        yield one


def scope(path="/predict", method="POST", **headers):
    given = {"content-type": "application/json", "x-request-id": "r-1"} | headers
    return SimpleNamespace(path=path, method=method, headers={k: v for k, v in given.items() if v is not None})


def express(made, body, asked=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Express(made.app.extensions["taxi"])(asked or scope(), body)


@pytest.mark.parametrize(
    "ride", [RIDE, RIDE | {"rider": "anna"}, RIDE | {"pickup": 1}, RIDE | {"time": "2021-07-04T23:59:00Z"}]
)
def test_the_same_answer_to_the_byte(made, ride):
    status, headers, body = express(made, ride)
    ordinary = made.predict(ride, headers={"X-Request-ID": "r-1"})
    assert (status, body) == (ordinary.status_code, ordinary.get_data())
    assert sorted(headers) == sorted(ordinary.headers.items())


def test_kept_and_counted_once_like_the_others(made):
    express(made, RIDE | {"rider": "anna"})
    made.predict(RIDE | {"rider": "anna"}, headers={"X-Request-ID": "r-1"})
    kept = made.stored()
    assert len(kept) == kept["prediction_id"].nunique() == 2
    assert kept.drop(columns=["prediction_id", "made_at"]).drop_duplicates().shape[0] == 1
    assert made.number('taxi_requests_total{method="POST",route="/predict",status="200"}') == 2
    assert made.number('taxi_predictions_total{role="champion",version="1"}') == 2


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ([RIDE], scope()),
        (RIDE | {"pickup": 264}, scope()),
        (b"{", scope()),
        (b"", scope()),
        (b"\xff{", scope()),
        (RIDE, scope(path="/day")),
        (RIDE, scope(path="/predict/")),
        (RIDE, scope(method="PUT")),
        (RIDE, scope(**{"content-type": "text/plain"})),
        (RIDE, scope(**{"content-type": None})),
    ],
)
def test_all_else_goes_the_ordinary_way(made, body, asked):
    assert express(made, body, asked) is None
    assert made.stored().empty


@pytest.mark.parametrize("asked", ["a b;c", "x" * 65, "", None])
def test_an_odd_id_is_replaced(made, asked):
    _, headers, body = express(made, RIDE, scope(**{"x-request-id": asked}))
    own = json.loads(body)["request_id"]
    assert dict(headers)["X-Request-ID"] == own != asked
    assert len(own) == 32


def test_a_model_without_compiled_form_is_not_waited_for(made):
    """In the event loop it would hold up everybody."""
    for wanted in (Wanted(3), Wanted(1, 3, Plan("shadow"))):
        made.registry.now = wanted
        made.models.refresh()
        assert express(made, RIDE) is None


def test_without_any_model(tmp_path):
    with service(tmp_path, FakeRegistry({}, Wanted(None))) as empty:
        assert express(empty, RIDE) is None


def test_a_canary_and_a_shadow_are_answered_here_too(made):
    made.registry.now = Wanted(1, 2, Plan("canary", 0.999999))
    made.models.refresh()
    assert json.loads(express(made, RIDE)[2])["model"]["version"] == 2
    made.registry.now = Wanted(1, 2, Plan("shadow"))
    made.models.refresh()
    assert json.loads(express(made, RIDE)[2])["model"]["version"] == 1
    assert sorted(made.stored()["role"]) == ["challenger", "challenger", "champion"]


def test_a_mistake_of_ours_leaves_the_ordinary_way(made, monkeypatch, caplog):
    monkeypatch.setattr("course_lib.taxi.service.predicting.about", lambda _minutes: 1 / 0)
    assert express(made, RIDE) is None
    assert "r-1" in caplog.text


def test_ids_are_never_given_twice():
    assert len({new_id() for _ in range(100_000)}) == 100_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_gives_ids_of_its_own():
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.write(writing, " ".join(new_id() for _ in range(10)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 4096).decode().split()
    assert len(theirs) == 10
    assert not set(theirs) & {new_id() for _ in range(10)}
