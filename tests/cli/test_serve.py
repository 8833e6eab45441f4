"""`course serve` and `course rollout`, as they are typed."""

from __future__ import annotations

import json
import socket

import pytest
from mlflow import MlflowClient

from course_lib.taxi import tracking
from tests.taxi.service.test_server import SaysMinutes


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A registry with a champion and a challenger, where the commands look for it."""
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("course_lib.paths.build_dir", lambda: tmp_path)
    tracking.setup()
    tracking.register(SaysMinutes(10.0))
    tracking.register(SaysMinutes(20.0), alias="challenger")


@pytest.mark.usefixtures("models")
def test_a_roll_out_is_set_and_shown(course):
    assert course("rollout", "canary", "0.1")[0] == 0
    code, out, _ = course("rollout", "--json")
    assert code == 0
    assert json.loads(out) == {"model": "taxi-duration", "champion": 1, "challenger": 2, "rollout": "canary 0.1"}


@pytest.mark.usefixtures("models")
def test_rolling_back(course):
    for tag, value in {"gate": "promoted", "gate.champion": "1"}.items():
        MlflowClient().set_model_version_tag(tracking.MODEL_NAME, "2", tag, value)
    tracking.set_alias(tracking.MODEL_NAME, "champion", 2)
    code, _, err = course("rollout", "back")
    assert code == 0
    assert "rolled back from version 2 to version 1" in err


@pytest.mark.usefixtures("models")
def test_nothing_to_try_out(course):
    MlflowClient().delete_registered_model_alias(tracking.MODEL_NAME, "challenger")
    code, _, err = course("rollout", "shadow")
    assert code == 2
    assert "No version of taxi-duration is the challenger" in err
    code, _, err = course("rollout", "canary", "1.5")
    assert code == 2
    assert "a share between 0 and 1" in err


def test_a_taken_port_is_found_before_a_model_is_trained(course):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = course("serve", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "`course serve --port 0` takes a free port" in err
    assert "training" not in err


def test_a_store_that_is_none(course):
    code, _, err = course("serve", "--port", "0", "--store", "predictions.db")
    assert code == 2
    assert "no database URL like sqlite:///predictions.db" in err


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_store_and_a_rate_that_are_none_keep_their_secrets(course, monkeypatch, how):
    address = "mysql+nosuch://anna:geheim@host/db"
    if how == "environment":
        monkeypatch.setenv("TAXI_STORE", address)
    code, out, err = course("serve", "--port", "0", *(["--store", address] if how == "option" else []))
    assert code == 2
    assert "mysql+nosuch://anna:***@host/db" in err
    assert "geheim" not in out + err


def test_a_rate_that_is_none(course):
    code, _, err = course("serve", "--port", "0", "--rate", "often")
    assert code == 2
    assert "'often' is no rate: 100/second, 5/minute and so on, or off" in err
