"""MLflow's records, read without MLflow."""

import sqlite3

import pandas as pd
import pytest

from course_lib.taxi.maturity import automated, governed, records
from course_lib.taxi.maturity.scan import Project
from tests.taxi.maturity.projects import write


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A folder with a tracking database: a complete run, its model as champion, and a run that failed."""
    from course_lib.taxi import models, tracking, trips
    from course_lib.taxi.cleaning import clean

    folder = tmp_path_factory.mktemp("tracked")
    tracking.setup(folder / "mlflow")
    rides = clean(trips.load("2021-01", source="simulated", rows=300)).trips
    model = models.build("mean").fit(rides, rides["duration"])
    with tracking.run("mean", params={"model": "mean"}, trips=rides) as run:
        run.log_metrics(rmse=12.3)
        run.log_model(model, example=rides)
    version = tracking.register_run(run.id, alias="challenger")
    tracking.promote(challenger=version, trips=rides.assign(duration=rides["duration"] + 1), first=True, budget_ms=1e6)
    with pytest.raises(ZeroDivisionError), tracking.run("broken", params={"model": "x"}):
        raise ZeroDivisionError
    return folder


def test_runs_versions_and_the_gate_are_read(tracked):
    project = Project.open(tracked)
    (store,) = records.of(project)
    assert len(store.runs) == 2
    assert [run.complete for run in store.runs].count(True) == 1
    (version,) = store.versions
    assert set(version.aliases) == {"challenger", "champion"}
    assert "1 finished run" in automated.tracked_runs(project).where
    assert "rmse 12.3" in automated.tracked_runs(project).where
    assert "champion" in automated.registered_models(project).where
    assert "promoted" in governed.promotion_gate(project).where
    assert governed.audit_log(project).found
    assert records.model_tag(tracked / "mlflow" / "mlflow.db", "taxi-duration", "audit.head")


def test_reading_leaves_a_database_alone_even_while_somebody_writes(tracked, tmp_path):
    import shutil

    copy = tmp_path / "mlflow.db"
    shutil.copyfile(tracked / "mlflow" / "mlflow.db", copy)
    with sqlite3.connect(copy) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE latest_metrics SET value = 9.5 WHERE key = 'rmse'")
        writer.commit()
        before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        found = automated.tracked_runs(Project.open(tmp_path))
        assert "rmse 9.5" in found.where
        assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    writer.close()


def test_runs_that_say_too_little_do_not_count(tracked, tmp_path):
    import shutil

    copy = tmp_path / "mlflow.db"
    shutil.copyfile(tracked / "mlflow" / "mlflow.db", copy)
    connection = sqlite3.connect(copy)
    connection.execute("DELETE FROM tags WHERE key LIKE 'data.%'")
    connection.execute("DELETE FROM inputs")
    connection.execute("DELETE FROM registered_model_aliases")
    connection.commit()
    connection.close()
    project = Project.open(tmp_path)
    assert "none complete" in automated.tracked_runs(project).missing
    assert "no alias" in automated.registered_models(project).missing


def test_databases_of_other_programs_are_no_runs(tmp_path):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("CREATE TABLE orders (a)")
    connection.commit()
    connection.close()
    project = Project.open(tmp_path)
    assert not automated.tracked_runs(project).found
    assert project.unreadable == {}


def test_the_older_store_of_files(tmp_path):
    run = "mlruns/1/abc"
    files = {
        f"{run}/meta.yaml": "status: 3\nrun_id: abc\n",
        f"{run}/params/alpha": "0.1",
        f"{run}/metrics/rmse": "1600000000 7.5 0\n1600000001 6.5 1\n",
        f"{run}/tags/data.train": "0123456789abcdef",
        "mlruns/models/taxi/version-2/meta.yaml": "run_id: abc\n",
        "mlruns/models/taxi/aliases/champion": "2",
    }
    project = Project.open(write(tmp_path, files))
    assert "rmse 6.5" in automated.tracked_runs(project).where
    assert "taxi version 2 is champion" in automated.registered_models(project).where


def test_a_metric_that_is_no_number_is_left_out(tmp_path):
    files = {"mlruns/1/abc/meta.yaml": "status: 3\n", "mlruns/1/abc/metrics/rmse": "nonsense\n"}
    (store,) = records.of(Project.open(write(tmp_path, files)))
    assert store.runs[0].metrics == {}
    assert pd.Series(store.runs[0].params).empty
