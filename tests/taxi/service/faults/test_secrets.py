"""Nothing that the service says, anywhere, holds a password, a rider's id or what a rider sent."""

from __future__ import annotations

import logging
import re
import sys

import numpy as np
import pytest
import requests
from sklearn.base import BaseEstimator

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import tracking
from course_lib.taxi.service import logs, server
from course_lib.taxi.service.registry import MLflowRegistry
from course_lib.taxi.service.rollout import Plan
from course_lib.taxi.service.running import deployed
from course_lib.taxi.service.server import free_port
from course_lib.taxi.service.store import PredictionStore
from tests.taxi.service.fakes import RIDE
from tests.taxi.service.faults.riders import wait_until
from tests.taxi.service.test_spool import rows

PASSWORD, RIDER = "s3cr%40t/p:ss", "rider-confidential-77"  # the password holds what addresses are made of


class FailsOnOne(BaseEstimator):
    """A challenger that fails on every single ride, and on lists with a message of its own."""

    def predict(self, trips):
        if len(trips) in (1, 3):
            raise RuntimeError("no idea")
        return np.full(len(trips), 9.0)


def test_nothing_that_the_service_says_holds_a_secret(tmp_path):
    """A store out of reach, a challenger that fails, broken and wrong requests, a page that isn't there."""
    tracking.setup(tmp_path / "mlflow")
    registry = MLflowRegistry(folder=tmp_path / "mlflow")
    tracking.register(FailsOnOne())
    tracking.register(FailsOnOne(), alias="challenger")
    registry.set_rollout(Plan("shadow"))
    environment = {server.STORE: f"postgresql+psycopg://anna:{PASSWORD}@127.0.0.1:{free_port()}/none"}
    heard = []
    with deployed(mlflow=tmp_path / "mlflow", folder=tmp_path, environment=environment) as service:

        def ask(method, path, **options):
            answer = requests.request(method, f"{service.url}{path}", timeout=20, **options)
            heard.append(f"{answer.headers} {answer.text}")
            return answer

        ride = RIDE | {"rider": RIDER}
        assert ask("POST", "/predict", json=[ride] * 2).status_code == 200
        assert ask("POST", "/predict", json=[ride] * 3).status_code == 500, "the champion fails as well: our mistake"
        assert ask("POST", "/predict", json=ride).status_code == 500
        for wrong in (ride | {"dropoff": 999}, ride | {"rider": f"{RIDER} {RIDER}"}, {"rider": RIDER}, [ride, RIDER]):
            assert ask("POST", "/predict", json=wrong).status_code == 422
        broken = f'{{"rider": "{RIDER}", '
        assert ask("POST", "/predict", data=broken, headers={"Content-Type": "application/json"}).status_code == 400
        assert ask("POST", f"/{RIDER}", json=ride).status_code == 404
        assert ask("GET", f"/day?rider={RIDER}&pickup=7&dropoff=8&date=2021-02-03").status_code == 422
        wait_until(lambda: "prediction store" in ask("GET", "/health/ready").text)
        for path in ("/health/ready", "/metrics", "/openapi.json", "/"):
            assert ask("GET", path).status_code == 200
        said = service.log.read_text(encoding="utf-8")
    said += service.log.read_text(encoding="utf-8")
    assert "predictions wait on disk" in said, "it did try to store them"
    assert "no idea" in said, "what went wrong can be read"
    everything = said + "".join(heard)
    for secret in (PASSWORD, "s3cr@t/p:ss", "s3cr", RIDER, "confidential"):
        assert secret not in everything, secret
    assert RIDE["time"] not in said, "what riders send is not logged"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql+psycopg://anna:pass@host:5432/db", "postgresql+psycopg://anna:***@host:5432/db"),
        ("at postgresql://anna:p@ss:w/rd@host/db, twice", "at postgresql://anna:***@host/db, twice"),
        ("postgresql://:pass@host/db", "postgresql://:***@host/db"),
        ("host=db password=geheim user=anna", "host=db password=*** user=anna"),
        ("{'password': 'geheim', 'user': 'anna'}", "{'password': '***', 'user': 'anna'}"),
        ("http://127.0.0.1:8000/predict and nothing else", "http://127.0.0.1:8000/predict and nothing else"),
        ("sqlite:////tmp/predictions.db", "sqlite:////tmp/predictions.db"),
    ],
)
def test_passwords_are_left_out(text, clean):
    assert logs.discreet(text) == clean


def test_of_an_error_the_first_line_is_told():
    assert logs.told(ValueError("insert failed\n[parameters: anna]")) == "ValueError: insert failed"
    assert logs.told(KeyError()) == "KeyError"


def test_lines_and_tracebacks_of_the_log(monkeypatch):
    monkeypatch.setenv(logs.STORE, "postgresql://anna:gehe%3Aim@host/db")
    line = logs.Discreet()
    try:
        raise CourseError("can't connect with gehe:im")
    except CourseError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "", 0, "at %s", ("postgresql://anna:gehe%3Aim@host",), sys.exc_info()
        )
    said = line.format(record)
    assert "gehe" not in said
    assert "ERROR" in said
    assert "CourseError: can't connect with ***" in said


def test_urls_that_are_none_keep_their_password():
    for url in ("mysql+nosuch://anna:geheim@host/db", "nosuch://anna:geheim@host/db"):
        with pytest.raises(UsageError) as told:
            PredictionStore(url)
        assert "geheim" not in str(told.value)
        assert told.value.__cause__ is None


def test_errors_of_the_store_hold_no_rows(tmp_path):
    """A value that the database refuses: the message names the trouble, and nobody's ride."""
    store = PredictionStore(f"sqlite:///{(tmp_path / 'p.db').as_posix()}")
    with pytest.raises(Exception, match="NOT NULL") as raised:
        store.add([rows(1)[0] | {"rider": RIDER, "model_name": None}])
    assert RIDER not in str(raised.value)
    assert re.fullmatch(r"IntegrityError: .*NOT NULL constraint failed: \S+", logs.told(raised.value))
    store.close()
