"""An empty tracking database that is copied is the one that MLflow would have made."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from course_lib import mlflow_database, paths

DEFAULT_PLACE = "SELECT artifact_location FROM experiments WHERE experiment_id = 0"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with an empty database in it."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA_DIR", str(folder))
        mlflow_database.make()
    return folder


@pytest.fixture
def kept(data, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    return mlflow_database.kept()


def rows(database, query):
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def test_it_is_made_once(kept):
    before = kept.stat()
    mlflow_database.make()
    assert kept.is_file()
    assert kept.stat().st_mtime_ns == before.st_mtime_ns


def test_mlflow_takes_the_copy_as_its_own(kept, tmp_path, monkeypatch):
    """Without a single migration, and with the files of *Default* where it would have put them itself."""
    from mlflow import MlflowClient
    from mlflow.store.db import utils

    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
    monkeypatch.setattr(utils, "_upgrade_db", lambda _engine: pytest.fail("it migrates"))
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "mlflow.db"
    assert mlflow_database.copy(copy, mlflow_database.usual_artifacts(tmp_path))
    client = MlflowClient(f"sqlite:///{copy.as_posix()}")
    (default,) = client.search_experiments()
    assert (default.name, default.experiment_id) == ("Default", "0")
    run = client.create_run("0")
    assert run.info.artifact_uri.endswith(f"mlruns/0/{run.info.run_id}/artifacts")
    assert tmp_path.as_posix() in run.info.artifact_uri
    tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    assert set(rows(copy, tables)) == set(rows(kept, tables))


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "another"])
def test_what_is_no_such_database_is_not_copied(kept, tmp_path, monkeypatch, harm):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    place = mlflow_database.kept()
    assert place != kept
    place.parent.mkdir(parents=True)
    if harm == "another":
        with contextlib.closing(sqlite3.connect(place)) as connection:
            connection.execute("CREATE TABLE guests (name TEXT)")
    elif harm != "missing":
        place.write_bytes(b"" if harm == "empty" else b"not a database at all")
    assert not mlflow_database.copy(tmp_path / "mlflow.db", "anywhere")
    assert not (tmp_path / "mlflow.db").exists()


def test_a_data_folder_that_nobody_may_write_costs_time_only(tmp_path, monkeypatch):
    (tmp_path / "data").write_text("a file, no folder", encoding="utf-8")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    mlflow_database.make()
    assert not mlflow_database.copy(tmp_path / "mlflow.db", "anywhere")


def test_a_notebook_that_is_run_finds_it(kept, monkeypatch):
    from course_lib.workbook.state import working_state

    with working_state() as state:
        database = Path(state.env["COURSE_STATE_DIR"]) / "mlflow.db"
        assert state.env["MLFLOW_TRACKING_URI"] == f"sqlite:///{database.as_posix()}"
        assert rows(database, DEFAULT_PLACE) == [(mlflow_database.usual_artifacts(state.folder),)]
    monkeypatch.setenv("COURSE_DATA_DIR", str(kept.parent / "nothing here"))
    with working_state() as state:  # then MLflow makes it
        assert not list(Path(state.env["COURSE_STATE_DIR"]).iterdir())


@pytest.mark.parametrize(("module", "tracks"), [("01_intro", False), ("03_experiment_tracking", True)])
def test_a_notebook_that_is_graded_finds_it_where_it_tracks_runs(kept, tmp_path, module, tracks):
    """In the sandbox the folder has another name, and that is the one that the database must know."""
    from course_lib.grading.assignment import load
    from course_lib.grading.execution import StudentsFolder

    assert kept.is_file()
    exercises = load(paths.project_root() / "solutions" / module / "exercises.ipynb", module)
    assert exercises.uses_mlflow is tracks
    seen_as = Path("/work")
    StudentsFolder(None, tracks=exercises.uses_mlflow)(tmp_path, seen_as)
    database = tmp_path / ".state" / "mlflow.db"
    assert database.exists() is tracks
    if tracks:
        assert rows(database, DEFAULT_PLACE) == [(mlflow_database.usual_artifacts(seen_as),)]
