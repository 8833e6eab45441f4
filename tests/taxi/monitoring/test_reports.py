"""Evidently's reports: verdicts by column and by size, zones left out, nothing asked of anybody."""

import json
from pathlib import Path

import numpy as np
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.monitoring import reports
from tests.taxi.monitoring.made import predictions
from tests.taxi.samples import rides

pytestmark = pytest.mark.filterwarnings("ignore")


def test_verdicts_by_column(tmp_path):
    trips = rides(1500)
    moved = rides(1500, seed=1)
    moved["duration"] *= 1.6
    found = reports.drift(trips, moved)
    assert found.verdicts.index[found.verdicts["drifted"]].tolist() == ["duration"]
    assert set(found.verdicts["method"]) == {"psi"}
    assert not set(reports.LEFT_OUT) & set(found.verdicts.index)
    files = found.save(tmp_path)
    assert len(json.loads(Path(files["drift_json"]).read_text(encoding="utf-8"))["metrics"]) == len(found.verdicts) + 1


def test_regression():
    trips = rides(300).assign(minutes=lambda t: t["duration"] + 2)
    waiting = trips.assign(duration=trips["duration"].where(np.arange(300) < 200))
    metrics = reports.regression(waiting, trips).as_dict()["metrics"]
    rmse = next(one for one in metrics if one["config"]["type"].endswith(":RMSE"))
    assert rmse["value"] == pytest.approx(2)


def test_nothing_to_report():
    trips = rides(50)
    with pytest.raises(CourseError, match="No ride has a label yet"):
        reports.regression(predictions(3).assign(duration=np.nan))
    with pytest.raises(UsageError, match="lack minutes"):
        reports.regression(trips)
    with pytest.raises(CourseError, match="both sides"):
        reports.drift(trips, trips.iloc[:0])
