"""`course monitor`, as it is typed: exit 0 when all is quiet, 1 when an alert stands, 2 when asked wrongly."""

import json

import pytest

from course_lib.taxi.service.store import PredictionStore

SMALL = ("--rows", "2000", "--source", "simulated")


@pytest.fixture
def monitor(course, tmp_path):
    def run(*arguments):
        return course("monitor", *arguments, *SMALL, "--folder", str(tmp_path / "monitoring"))

    return run


def test_a_quiet_month(monitor, tmp_path):
    code, out, err = monitor("--months", "2021-02", "--model", "linear")
    assert code == 0
    assert "2021-02" in out
    assert "No alerts standing" in err
    assert (tmp_path / "monitoring" / "index.html").is_file()


def test_an_alert_stands(monitor, tmp_path):
    code, out, err = monitor("--months", "2022-01", "--model", "linear", "--json")
    assert code == 1
    found = json.loads(out)
    assert "drift" in [one["rule"] for one in found["standing"]]
    assert "ALERT: The rides that are asked for are others" in err
    written = json.loads((tmp_path / "monitoring" / "monitoring.json").read_text(encoding="utf-8"))
    assert {**written, "files": found["files"]} == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--months", "2021-05:2021-02", "--model", "mean"), "run backwards"),
        (("--months", "2021-02", "--model", "mean", "--alias", "champion"), "choose one"),
        (("--months", "2021-02", "--model", "oracle"), "There is no model 'oracle'"),
        (("--months", "2031-02", "--model", "mean"), "2031-02"),
    ],
)
def test_asked_wrongly(monitor, arguments, message):
    code, out, err = monitor(*arguments)
    assert code == 2
    assert message in err
    assert out == ""
    assert "Traceback" not in err


def test_without_months(course):
    code, _, err = course("monitor")
    assert code == 2
    assert "--months" in err


def test_what_the_service_told_riders(monitor, tmp_path):
    """One prediction in the store: counted, waiting for its label, which nobody sent yet."""
    store = PredictionStore(url := f"sqlite:///{tmp_path / 'predictions.db'}")
    ride = {"pickup": 7, "dropoff": 138, "pickup_time": "2021-02-03T08:30:00", "made_at": "2021-02-03T13:00:00"}
    model = {"model_name": "taxi-duration", "model_version": 1, "role": "champion", "shadow": False, "minutes": 10.0}
    store.add([{"prediction_id": "a", "request_id": "r", "rider": None, **ride, **model}])
    store.close()
    asked = ("--months", "2021-02", "--model", "mean", "--store", url)
    code, out, _ = monitor(*asked, "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["account"]["predictions"], found["account"]["waiting"]) == (1, 1)
    code, _, err = monitor(*asked, "--labels", str(tmp_path / "labels.csv"))
    assert code == 2
    assert "labels.csv can't be read: No such file" in err


def test_an_alert_trains_anew_and_the_gate_decides(monitor, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path / "state"))
    code, out, err = monitor("--months", "2022-01", "--model", "linear", "--retrain", "--json")
    assert code == 1  # the alert stands, whatever was done about it
    renewed = json.loads(out)["retrained"]
    assert (renewed["month"], renewed["version"], renewed["promoted"]) == ("2022-01", 1, True)
    assert "Version 1, trained on 2022-01, is now the champion" in err
    code, out, err = monitor("--months", "2021-02", "--model", "linear", "--retrain", "--json")
    assert (code, json.loads(out)["retrained"]) == (0, None)
    assert "no alert asks for it" in err


def test_an_alert_before_any_label_trains_nothing(monitor, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path / "state"))
    code, _, err = monitor("--months", "2022-01", "--model", "linear", "--retrain", "--now", "2022-01-01")
    assert code == 1
    assert "no month has labels enough to train on" in err
    assert not (tmp_path / "state").exists()
