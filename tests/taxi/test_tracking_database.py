"""The database: made quickly, also by two at once, and every way in which it can be unusable said in words."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy

from course_lib import paths
from course_lib.errors import CourseError
from course_lib.taxi import tracking, tracking_database
from tests.taxi.tracking_home import ordinary_user, tracked_in

posix = pytest.mark.skipif(os.name != "posix", reason="rights of files work otherwise there")


@pytest.fixture
def public():
    """A folder that other users can get to, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


@pytest.fixture
def home(public):
    with tracked_in(public) as folder:
        yield folder


@pytest.fixture
def database(home):
    """One with a run in it, so that something could be lost."""
    with tracking.run("kept"):
        pass
    return home / "mlflow.db"


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def names(database):
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM runs")]


def set_revision(database, revision):
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


# ---------------------------------------------------------------- making one


def test_the_second_database_is_a_copy_of_an_empty_one(data_dir, tmp_path, monkeypatch):
    made = []
    with tracked_in(tmp_path / "first") as first:
        kept = list((data_dir / "mlflow").iterdir())
        assert [path.suffix for path in kept] == [".db"]
        with tracking.run("only here"):
            pass
    monkeypatch.setattr("mlflow.store.db.utils._upgrade_db", lambda _engine: made.append(1))
    with tracked_in(tmp_path / "second") as second:
        assert len(tracking.runs()) == 0
        with tracking.run("there"):
            pass
        assert names(second / "mlflow.db") == ["there"]
    assert made == []
    assert names(first / "mlflow.db") == ["only here"]


def schema(database):
    """Everything that makes up the database; MLflow writes a table's constraints in another order now and then."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
    return [(kind, name, sorted(line.strip("\t ,") for line in (sql or "").splitlines())) for kind, name, sql in rows]


def test_a_copy_has_the_schema_that_mlflow_makes(home, tmp_path):
    import mlflow

    own = tmp_path / "own.db"
    mlflow.MlflowClient(tracking_database.address(own)).search_experiments()
    assert schema(home / "mlflow.db") == schema(own)


def test_a_damaged_copy_is_made_anew(data_dir, tmp_path):
    with tracked_in(tmp_path / "first"):
        (kept,) = (data_dir / "mlflow").iterdir()
    size = kept.stat().st_size
    kept.write_bytes(kept.read_bytes()[:50_000])
    with tracked_in(tmp_path / "second"):
        assert len(tracking.runs()) == 0
    assert kept.stat().st_size == size


@posix
def test_a_data_folder_that_cannot_be_written_to_is_no_obstacle(public, monkeypatch):
    (public / "data").mkdir()
    (public / "free").mkdir()
    (public / "free").chmod(0o777)
    (public / "data").chmod(0o555)
    monkeypatch.setenv("COURSE_DATA_DIR", str(public / "data"))
    with ordinary_user(), tracked_in(public / "free" / "in"):
        assert len(tracking.runs()) == 0
    assert list((public / "data").iterdir()) == []


def test_the_default_folder_is_the_notebooks_own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE_DIR", str(tmp_path / "state"))
    with tracked_in(tmp_path / "elsewhere"):
        assert tracking.setup() == (tmp_path / "state").resolve()
    assert (tmp_path / "state" / "mlflow.db").is_file()
    monkeypatch.delenv("COURSE_STATE_DIR")
    monkeypatch.setattr(paths, "build_dir", lambda: tmp_path / "build")
    with tracked_in(tmp_path / "again"):
        assert tracking.setup() == (tmp_path / "build" / "mlflow").resolve()


def test_an_address_in_the_environment_gets_a_database_and_no_litter(tmp_path):
    """Notebooks are run with MLFLOW_TRACKING_URI set, and one may log without calling setup first."""
    code = (
        "from course_lib.taxi import tracking\n"
        "with tracking.run('first') as run: run.log_text('note.txt', 'kept')\n"
        "print(tracking.runs()['name'].tolist())"
    )
    work = tmp_path / "work"
    work.mkdir()
    env = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{(tmp_path / 'state' / 'mlflow.db').as_posix()}"}
    env["PYTHONPATH"] = str(paths.project_root())
    done = subprocess.run([sys.executable, "-c", code], cwd=work, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['first']\n", "")
    assert list(work.iterdir()) == []
    assert list((tmp_path / "state").glob("artifacts/taxi-duration/*/artifacts/note.txt"))


def test_a_folder_that_was_deleted_is_made_anew(home):
    with tracking.run("gone"):
        pass
    shutil.rmtree(home)
    tracking.setup(home)
    with tracking.run("new"):
        pass
    assert names(home / "mlflow.db") == ["new"]


def test_even_the_default_experiment_leaves_nothing_in_the_current_folder(home):
    import mlflow

    with mlflow.start_run(experiment_id="0"):
        mlflow.log_text("some", "file.txt")
    assert list(Path.cwd().iterdir()) == []
    assert list(home.glob("artifacts/Default/*/artifacts/file.txt"))


# ---------------------------------------------------------------- two at once

WRITER = """
import sys
from course_lib.taxi import tracking
tracking.setup(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(8):
    with tracking.run(f"{sys.argv[2]}-{number}", params={"number": number}) as run:
        for step in range(4):
            run.log_metrics(rmse=step, step=step)
"""


def test_two_processes_make_one_database_and_write_to_it_at_once(tmp_path):
    folder = tmp_path / "new"
    env = {**os.environ, "PYTHONPATH": str(paths.project_root())}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name], env=env, cwd=tmp_path, **pipes)
        for name in "ab"
    ]
    assert [one.stdout.readline() for one in both] == ["ready\n", "ready\n"]
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    ends = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], ends
    assert sorted(names(folder / "mlflow.db")) == sorted(f"{name}-{number}" for name in "ab" for number in range(8))
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        assert connection.execute("SELECT count(*) FROM metrics").fetchone() == (64,)
        assert connection.execute("SELECT count(*) FROM experiments WHERE name = 'taxi-duration'").fetchone() == (1,)


# ---------------------------------------------------------------- what can be wrong


@contextlib.contextmanager
def lock(database):
    """Another program in the middle of a write."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other
        with contextlib.suppress(sqlite3.OperationalError):
            other.execute("ROLLBACK")


def test_a_locked_database(database):
    with (
        lock(database),
        pytest.raises(tracking.TrackingLocked, match=r"mlflow\.db is locked: another program .* is safe") as caught,
    ):
        tracking.setup(database.parent, wait=0.1)
    assert str(database) in str(caught.value)
    tracking.setup(database.parent)
    assert names(database) == ["kept"]


def test_a_lock_that_goes_in_time_is_waited_for(database):
    with lock(database) as other:
        threading.Timer(0.4, lambda: other.execute("ROLLBACK")).start()
        start = time.perf_counter()
        tracking.setup(database.parent, wait=20)
        assert time.perf_counter() - start > 0.2


def impatient(text):
    """MLflow waits 20 s for a lock."""
    return sqlalchemy.text(text.replace("busy_timeout = 20000", "busy_timeout = 100"))


def test_a_database_that_is_locked_in_the_middle_of_a_run(database, monkeypatch, capfd):
    with tracking.run("going on") as run:
        run.log_metrics(rmse=6.0)
        with lock(database), monkeypatch.context() as patch:
            patch.setattr("mlflow.store.db.utils.sql.text", impatient)
            with pytest.raises(tracking.TrackingLocked, match="this call recorded nothing"):
                run.log_metrics(mae=4.0)
        run.log_metrics(r2=0.5)
    assert capfd.readouterr().err == ""
    table = tracking.runs()
    assert table["name"].tolist() == ["kept", "going on"]
    assert {name for name in table.columns if name.startswith("metrics.")} == {"metrics.rmse", "metrics.r2"}


def test_a_block_that_fails_while_the_database_is_locked_shows_its_own_error(database, monkeypatch):
    def ends_badly(other):
        with tracking.run("ends badly"):
            monkeypatch.setattr("mlflow.store.db.utils.sql.text", impatient)
            other.execute("BEGIN EXCLUSIVE")
            raise ZeroDivisionError("by zero")

    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        with pytest.raises(ZeroDivisionError, match="by zero") as caught:
            ends_badly(other)
        other.execute("ROLLBACK")
    assert "could not be marked as failed" in caught.value.__notes__[0]


def test_a_database_of_an_older_schema(database):
    newest, older = tracking_database._revisions()[:2]
    set_revision(database, older)
    before = database.read_bytes()
    with pytest.raises(tracking.TrackingOutdated, match=r"by an older MLflow .* left as it is\. `tracking\.upgrade"):
        tracking.setup(database.parent)
    assert database.read_bytes() == before
    set_revision(database, newest)
    assert names(database) == ["kept"]


def test_a_database_of_a_newer_schema(database):
    set_revision(database, "ffffffffffff")
    before = database.read_bytes()
    with pytest.raises(tracking.TrackingTooNew, match=r"made by a newer MLflow .*ffffffffffff is unknown.* Install"):
        tracking.setup(database.parent)
    assert database.read_bytes() == before


@posix
def test_a_database_that_is_read_only(database):
    database.chmod(0o444)
    with ordinary_user(), pytest.raises(tracking.TrackingReadOnly, match=r"can't be written to: the file or"):
        tracking.setup(database.parent)
    assert names(database) == ["kept"]


@posix
def test_a_folder_that_is_read_only(database):
    database.chmod(0o666)
    database.parent.chmod(0o555)
    with ordinary_user(), pytest.raises(tracking.TrackingReadOnly, match=r"Nothing was changed\. Make both"):
        tracking.setup(database.parent)
    database.parent.chmod(0o755)
    assert names(database) == ["kept"]


@posix
def test_a_database_that_becomes_read_only_in_the_middle_of_a_run(database):
    database.chmod(0o444)
    with tracking.run("going on") as run:
        with ordinary_user(), pytest.raises(tracking.TrackingReadOnly, match="record somewhere else"):
            run.log_metrics(rmse=6.0)
        run.log_metrics(rmse=7.0)
    assert tracking.runs()["metrics.rmse"].tolist()[1:] == [7.0]


@posix
def test_an_empty_folder_that_is_read_only(public):
    (public / "empty").mkdir(mode=0o555)
    with ordinary_user(), pytest.raises(tracking.TrackingReadOnly, match=r"tracking folder .* can't be written"):
        tracking.setup(public / "empty")
    assert list((public / "empty").iterdir()) == []


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "mlflow.db").write_text("my notes", encoding="utf-8")
    with pytest.raises(tracking.NoDatabase, match=r"no tracking database but some other file\. It was left as it is"):
        tracking.setup(tmp_path)
    assert (tmp_path / "mlflow.db").read_text(encoding="utf-8") == "my notes"


def test_a_database_of_something_else(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    before = (tmp_path / "mlflow.db").read_bytes()
    with pytest.raises(tracking.NoDatabase, match="of something else than MLflow"):
        tracking.setup(tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_damaged_database(database):
    whole = database.read_bytes()
    database.write_bytes(whole[:100] + b"\xff" * 20_000 + whole[20_100:])
    with pytest.raises(tracking.NoDatabase, match=r"is damaged: .* Put a copy back"):
        tracking.setup(database.parent)
    database.write_bytes(whole)
    assert names(database) == ["kept"]


def test_an_empty_file_counts_as_none(tmp_path):
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").touch()
    with tracked_in(tmp_path):
        assert len(tracking.runs()) == 0


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match=r"tracking folder .* can't be made"):
        tracking.setup(tmp_path / "file" / "mlflow")


# ---------------------------------------------------------------- bringing one up to date


@pytest.fixture(scope="module")
def old_database(tmp_path_factory):
    """A real one of three revisions ago, with a run in it."""
    from alembic import command
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base

    tracking_database.silence()
    path = tmp_path_factory.mktemp("old") / "mlflow.db"
    engine = utils.create_sqlalchemy_engine(tracking_database.address(path))
    Base.metadata.create_all(engine)
    config = utils._get_alembic_config(tracking_database.address(path))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, tracking_database._revisions()[3])
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, "
            "last_update_time) VALUES (0, 'Default', 'file:///tmp/none', 'active', 1, 1)"
        )
        connection.execute(
            "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id, user_id) "
            "VALUES ('0123456789abcdef0123456789abcdef', 'of old', 'FINISHED', 1, 'active', 0, 'me')"
        )
    return path


def test_an_upgrade_keeps_a_copy_and_everything_in_it(old_database, tmp_path):
    with tracked_in(tmp_path):
        folder = tmp_path / "old"
        folder.mkdir()
        shutil.copyfile(old_database, folder / "mlflow.db")
        with pytest.raises(tracking.TrackingOutdated):
            tracking.setup(folder)
        backup = tracking.upgrade(folder)
        assert schema(backup) == schema(old_database)
        tracking.setup(folder)
        assert tracking.runs(None)["name"].tolist() == ["of old"]
        with pytest.raises(CourseError, match="nothing to upgrade"):
            tracking.upgrade(folder)


def test_an_upgrade_that_fails_puts_the_copy_back(old_database, tmp_path, monkeypatch):
    shutil.copyfile(old_database, tmp_path / "mlflow.db")

    def fails(engine):
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE runs")
        raise RuntimeError("the power went")

    monkeypatch.setattr("mlflow.store.db.utils._upgrade_db", fails)
    with pytest.raises(tracking.TrackingError, match="the copy was put back: the power went"):
        tracking.upgrade(tmp_path)
    assert names(tmp_path / "mlflow.db") == ["of old"]


def test_there_must_be_something_to_upgrade(tmp_path):
    with pytest.raises(tracking.NoDatabase, match="no tracking database"):
        tracking.upgrade(tmp_path)
