"""`course score`, as it is typed: months answered, what is there is kept, a month that fails stops no other."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from course_lib.taxi import monthfile, tracking, trips
from tests.taxi.service.test_server import SaysMinutes


@pytest.fixture
def score(course, tmp_path, monkeypatch):
    """Run the command on files of January and March; the champion says ten minutes."""
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path / "state"))
    tracking.setup(tmp_path / "mlflow")
    tracking.register(SaysMinutes(10.0))
    for month in ("2021-01", "2021-03"):
        trips.load(month, source="simulated", rows=800).to_parquet(tmp_path / monthfile.name_of(month))

    def run(*arguments):
        places = ("--source", tmp_path, "--folder", tmp_path / "scored", "--tracking", tmp_path / "mlflow")
        return course("score", *arguments, *map(str, places))

    return run


def test_months_are_answered_once(score, tmp_path):
    code, out, _ = score("--months", "2021-01,2021-03", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["version"], [one["rows"] for one in told["months"]], told["failed"]) == (1, [800, 800], {})
    parts = [pd.read_parquet(path) for path in (tmp_path / "scored" / "2021-01").glob("*.parquet")]
    assert (sum(map(len, parts)), {m for part in parts for m in part["minutes"]}) == (800, {10.0})
    again = json.loads(score("--months", "2021-01", "--json")[1])["months"][0]
    assert (again["days_scored"], again["days_kept"]) == (0, told["months"][0]["days_scored"])
    tracking.set_alias(tracking.MODEL_NAME, "champion", tracking.register(SaysMinutes(20.0), alias=None))
    anew = json.loads(score("--months", "2021-01", "--json")[1])["months"][0]
    assert anew["days_kept"] == 0, "another version gives other answers"


def test_a_month_that_is_not_there_stops_no_other(score):
    code, out, err = score("--months", "2021-01:2021-03", "--json")
    assert code == 1
    told = json.loads(out)
    assert [one["month"] for one in told["months"]] == ["2021-01", "2021-03"]
    assert list(told["failed"]) == ["2021-02"]
    assert "2021-02: FAILED" in err
    assert "2 of 3 months are scored" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--months", "2021-03:2021-01"), "run backwards"),
        (("--months", "2021-01", "--alias", "nobody"), "nobody"),
        (("--months", "2021-01", "--name", "no-such-model"), "no-such-model"),
    ],
)
def test_asked_wrongly(score, arguments, message):
    code, out, err = score(*arguments)
    assert code in (1, 2)
    assert message in err
    assert out == ""
    assert "Traceback" not in err
