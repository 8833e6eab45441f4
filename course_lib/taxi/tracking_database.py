"""The SQLite file that MLflow writes to: made, checked, and brought up to date.

The checks come before MLflow opens the file: it would create its tables in somebody else's database, or migrate an
old one without keeping a copy.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from course_lib import mlflow_database, schema_versions
from course_lib.taxi.tracking_errors import (
    NoDatabase,
    TrackingError,
    TrackingOutdated,
    TrackingReadOnly,
    TrackingTooNew,
    locked,
    read_only,
)

DATABASE = "mlflow.db"

log = logging.getLogger(__name__)
_LEFT = "It was left as it is."
_ELSEWHERE = f"{_LEFT} Give tracking.setup another folder, or move the file away."
_RESTORE = f"{_LEFT} Put a copy back in its place, or move it away to begin anew."


def silence() -> None:
    """Turn telemetry and MLflow's chatter off, here and in child processes. To be called before mlflow is imported."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    # no connection stays open between two calls: a folder can be deleted (Windows minds), or made anew
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # a bar for each file of some bytes
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # it prints a traceback of what it raises as well
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def address(database: Path) -> str:
    """SQLAlchemy's address of a SQLite file."""
    return f"sqlite:///{database.as_posix()}"


def prepare(database: Path, wait: float = 10.0) -> None:
    """Make ``database`` if it isn't there, then :func:`check` it."""
    if not database.exists() or database.stat().st_size == 0:
        _create(database, wait)
    check(database, wait)


def check(database: Path, wait: float = 10.0) -> None:
    """Raise the error that says why ``database`` can't be used, if it can't; nothing in it changes.

    TrackingLocked after ``wait`` seconds, TrackingReadOnly, NoDatabase, TrackingOutdated, TrackingTooNew.
    """
    where = f"the tracking database {database}"
    try:
        with database.open("rb") as file:
            header = file.read(16)
    except OSError as error:
        raise TrackingReadOnly(f"The tracking database {database} can't be read: {error.strerror or error}.") from error
    if header != b"SQLite format 3\0":
        raise NoDatabase(f"{database} is no tracking database but some other file. {_ELSEWHERE}")
    try:
        revision = _try_to_write(database, wait)
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "locked" in text:
            raise locked(where) from error
        if "readonly" in text or "unable to open" in text:
            raise read_only(where) from error
        if "no such table: alembic_version" in text:
            raise NoDatabase(f"{database} is a database, but of something else than MLflow. {_ELSEWHERE}") from error
        raise NoDatabase(f"{database} is damaged: {text}. {_RESTORE}") from error
    _check_revision(database, revision)


@contextlib.contextmanager
def file_lock(database: Path, wait: float) -> Iterator[None]:
    """Held by one process at a time, for what is looked at and then changed. Raises TrackingLocked, TrackingReadOnly.

    The lock lies beside the database and goes when its holder does, however that ends.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(database.with_name(f".{database.name}.lock"), timeout=wait)
    try:
        lock.acquire()
    except Timeout:
        raise locked(f"the tracking database {database}") from None
    except OSError as error:
        raise read_only(f"the tracking folder {database.parent}") from error
    try:
        yield
    finally:
        lock.release()


def _try_to_write(database: Path, wait: float) -> str:
    """The revision of the schema. Begins a change and takes it back: only that proves that there is no lock, and the
    right to write."""
    uri = f"file:{quote(database.as_posix())}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {number + 1}")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("ROLLBACK")
    return row[0] if row else ""


def _check_revision(database: Path, revision: str) -> None:
    known = _revisions()
    if revision == known[0]:
        return
    installed = f"MLflow {metadata.version('mlflow')}"
    if revision in known:
        raise TrackingOutdated(
            f"The tracking database {database} was made by an older MLflow than the {installed} installed here. "
            f'{_LEFT} `tracking.upgrade("{database.parent.as_posix()}")` keeps a copy and brings it up to date.'
        )
    raise TrackingTooNew(
        f"The tracking database {database} was made by a newer MLflow than the {installed} installed here (its schema "
        f"{revision or 'without a number'} is unknown). {_LEFT} Install that version of MLflow, or record in another "
        "folder."
    )


@lru_cache(maxsize=1)
def _revisions() -> tuple[str, ...]:
    """The schema's revisions that the installed MLflow knows, newest first."""
    import mlflow

    return schema_versions.newest_first(Path(mlflow.__file__).parent / "store" / "db_migrations" / "versions")


def _create(database: Path, wait: float) -> None:
    """Put an empty database in place, complete or not at all, also when two processes want to."""
    with file_lock(database, wait):
        if database.exists() and database.stat().st_size > 0:
            return
        try:
            with tempfile.TemporaryDirectory(dir=database.parent, prefix=".new-") as folder:
                fresh = Path(folder) / DATABASE
                # the experiment that is always there keeps its files beside the database too, not in ./mlruns
                _make_empty(fresh, (database.parent / "artifacts" / "Default").as_uri())
                os.replace(fresh, database)
        except OSError as error:
            raise TrackingError(f"{database} can't be made: {error.strerror or error}.") from error


def _make_empty(target: Path, artifacts: str) -> None:
    """Write an empty database of the installed MLflow: a copy of one made before, since making one takes 1–2 s."""
    if mlflow_database.copy(target, artifacts):
        with contextlib.suppress(TrackingError):
            check(target)
            return
    target.unlink(missing_ok=True)
    with quiet_migrations():
        mlflow_database.create(target)
    try:
        mlflow_database.keep(target)
    except OSError as error:  # a read-only data folder only means that the next one takes as long
        log.info("no copy of an empty tracking database is kept: %s", error)
    mlflow_database.place_default(target, artifacts)


@contextlib.contextmanager
def quiet_migrations() -> Iterator[None]:
    """Spare the reader what MLflow's migrations say of each step on stderr."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
