"""Retraining goes through the pipeline and the gate, and its gain is measured on rides neither model has seen."""

import pandas as pd
import pytest

from course_lib.errors import CourseError
from course_lib.taxi import tracking
from course_lib.taxi.evaluation import score
from course_lib.taxi.monitoring.retraining import retrain
from course_lib.taxi.pipeline_types import Settings


@pytest.fixture
def places(tmp_path):
    return {"folder": tmp_path / "pipeline", "tracking": tmp_path / "mlflow"}


def test_the_loop_closed(places):
    first = retrain("2021-01", Settings(source="simulated", rows=2000, model="mean"), **places)
    assert (first.promoted, first.champion, first.gain) == (True, None, None)
    second = retrain("2022-01", Settings(source="simulated", rows=2000, model="linear"), **places)
    assert (second.champion, second.version, second.month) == (1, 2, "2022-01")
    assert second.promoted
    assert tracking.version() == 2
    rides = pd.read_parquet(second.run.months[-1].outputs["features"].evaluation.path)
    assert second.after == score(rides["duration"], tracking.load(version=2).predict(rides))
    assert second.gain == pytest.approx(second.before["rmse"] - second.after["rmse"])
    assert second.gain > 1
    assert "min gained" in str(second)
    worse = retrain("2022-02", Settings(source="simulated", rows=2000, model="mean"), **places)
    assert not worse.promoted
    assert worse.gain < 0
    assert "is not promoted" in str(worse)
    assert tracking.version() == 2


def test_a_month_that_fails(places, tmp_path):
    empty = tmp_path / "files"
    empty.mkdir()
    with pytest.raises(CourseError, match="2022-01 failed at ingest"):
        retrain("2022-01", Settings(source=str(empty), model="mean"), **places)
