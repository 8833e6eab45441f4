"""What can go wrong between a run and its database, each thing with a message of its own.

MLflow reports a locked file, a full disk and a misspelt name with the same exception and a page of traceback.
:func:`translated` turns it into one of the classes here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from course_lib import paths
from course_lib.errors import CourseError, UsageError


class TrackingError(CourseError):
    """The tracking database or its files can't be used; the message says why and what to do."""


class TrackingLocked(TrackingError):
    """Another program holds the database and did not let go in time."""


class TrackingReadOnly(TrackingError):
    """The database or its folder can be read but not written to."""


class TrackingOutdated(TrackingError):
    """The database was made by an older MLflow and needs :func:`tracking.upgrade`."""


class TrackingTooNew(TrackingError):
    """The database was made by a newer MLflow than is installed."""


class NoDatabase(TrackingError):
    """The file is damaged, or is no tracking database at all."""


class BadRecord(UsageError):
    """This can't be recorded as it is: a metric that is no number, a parameter that was given two values."""


class NoSuchRun(UsageError):
    """No run has this id, or no experiment this name."""


class NotRegistered(CourseError):
    """No model has this name and alias; the message says where it was looked for and what to do."""


class NoSuchAlias(NotRegistered):
    """The model is registered, but has no such alias; the message lists those that it has."""


class NoSuchVersion(NotRegistered):
    """The model has no such version, or it was deleted."""


class ModelFilesMissing(TrackingError):
    """The version is registered, but the files of its model are gone."""


class NoChampion(UsageError):
    """A challenger has nobody to be compared with."""


class SearchFailed(CourseError):
    """Not one setting of a search could be trained and scored."""


@contextlib.contextmanager
def translated(database: Path | None = None) -> Iterator[None]:
    """Turn what MLflow raises in the block into a TrackingError (or BadRecord); everything else goes on as it is."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise explain(error, database) from error


def explain(error: Exception, database: Path | None = None) -> CourseError:
    """The error of this module that says in words what ``error`` of MLflow or SQLite means."""
    text = str(error)
    where = f"the tracking database {database or current_database() or ''}".rstrip()
    if "database is locked" in text:
        return locked(where)
    if "readonly database" in text or "unable to open database file" in text:
        return read_only(where)
    if any(sign in text for sign in ("malformed", "not a database", "no such table", "no such column")):
        return TrackingError(f"{_start(where)} is damaged or was changed by another version of MLflow: {_first(text)}")
    if "disk is full" in text or "disk I/O error" in text:
        return TrackingError(f"{_start(where)} can't be written: {_first(text)}. Is the disk full?")
    if "Changing param values is not allowed" in text:
        return BadRecord(f"A parameter keeps its first value for the whole run. {_first(text)}")
    if getattr(error, "error_code", "") == "INVALID_PARAMETER_VALUE":
        return BadRecord(_first(text))
    return TrackingError(f"MLflow refused: {_first(text)}")


def locked(where: str) -> TrackingLocked:
    """The error for a database that stayed locked."""
    return TrackingLocked(
        f"{_start(where)} is locked: another program is writing to it and did not finish. What was recorded before is "
        "safe; this call recorded nothing. Try again, or end the program that holds it (an open transaction in a "
        "database browser, a run that hangs)."
    )


def read_only(where: str) -> TrackingReadOnly:
    """The error for a database or folder that refuses to be written to."""
    return TrackingReadOnly(
        f"{_start(where)} can't be written to: the file or its folder is read-only. Nothing was changed. Make both "
        "writable, or record somewhere else: tracking.setup(another_folder)."
    )


def current_database() -> Path | None:
    """The SQLite file that MLflow uses now, or None where it uses something else."""
    import mlflow

    return database_of(mlflow.get_tracking_uri())


def database_of(uri: str) -> Path | None:
    """The file of a ``sqlite:///`` address; None for other addresses."""
    prefix = "sqlite:///"
    return Path(unquote(uri.removeprefix(prefix))) if uri.startswith(prefix) else None


def shown(database: Path | None) -> str:
    """A short name for a database: relative to the current folder or the project where it lies in one of them."""
    if database is None:
        return "this registry"
    for folder in (Path.cwd(), paths.project_root()):
        with contextlib.suppress(ValueError):
            return database.relative_to(folder).as_posix()
    return f"{database.parent.name}/{database.name}"


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _first(text: str) -> str:
    """The first line, without SQLAlchemy's statement and links."""
    return text.strip().split("\n")[0].strip()
