"""An older tracking database, brought up to date; never without a copy of what it was."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from importlib import metadata
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.taxi.tracking_database import address, check, file_lock, quiet_migrations, silence
from course_lib.taxi.tracking_errors import NoDatabase, TrackingError, TrackingOutdated


def upgrade(database: Path, wait: float = 10.0) -> Path:
    """Bring ``database`` up to the installed MLflow's schema; return the copy made of it before.

    An upgrade that fails puts the copy back. Raises CourseError when there is nothing to upgrade, and what
    :func:`check` raises for everything but age.
    """
    silence()
    if not database.exists():
        raise NoDatabase(f"There is no tracking database {database} to upgrade.")
    try:
        check(database, wait)
    except TrackingOutdated:
        pass
    else:
        raise CourseError(f"The tracking database {database} is up to date: there is nothing to upgrade.")
    with file_lock(database, wait):
        backup = _copy(database)
        try:
            with quiet_migrations():
                # the two calls of the command `mlflow db upgrade`, which can't be called without a process of its own
                from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine

                _upgrade_db(create_sqlalchemy_engine(address(database)))
            check(database, wait)
        except Exception as error:
            shutil.copyfile(backup, database)
            raise TrackingError(f"The upgrade of {database} failed; the copy was put back: {error}") from error
    return backup


def _copy(database: Path) -> Path:
    """A copy beside ``database``, under a name that is free; never one of a half-written state."""
    stem = f"{database.name}.before-{metadata.version('mlflow')}"
    names = (database.with_name(stem if n == 0 else f"{stem}-{n}") for n in range(1000))
    backup = next(path for path in names if not path.exists())
    with (
        contextlib.closing(sqlite3.connect(database)) as source,
        contextlib.closing(sqlite3.connect(backup)) as target,
    ):
        source.backup(target)
    return backup
