"""`course monitor`, as it is typed: exit 0 when all is quiet, 1 when an alert stands, 2 when asked wrongly."""

import json

import pytest

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
