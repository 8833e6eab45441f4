"""Where runs and models go: a folder with one SQLite file and the artifacts, and MLflow pointed to it."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course_lib import paths
from course_lib.taxi import tracking_database, tracking_upgrade
from course_lib.taxi.tracking_database import DATABASE, address, silence
from course_lib.taxi.tracking_errors import TrackingReadOnly, database_of, translated

MODEL_NAME = "taxi-duration"

_last_setup: str | None = None  # the address that setup pointed MLflow to: anybody may point it elsewhere


def setup(folder: str | os.PathLike[str] | None = None, experiment: str = MODEL_NAME, *, wait: float = 10.0) -> Path:
    """Point MLflow at ``folder``, made if need be, and return it.

    Default: the folder that ``COURSE_STATE_DIR`` names (each run of a notebook has its own), else the project's
    ``build/mlflow``. Runs, metrics and the registry go to ``mlflow.db`` there (SQLite), models and files under
    ``artifacts``. The experiment becomes the active one. Telemetry is off. ``wait`` is how many seconds to wait for
    another program that holds the database.

    Raises TrackingLocked, TrackingOutdated, TrackingTooNew, TrackingReadOnly or NoDatabase, having changed nothing.
    """
    global _last_setup
    silence()
    home = _home(folder)
    database = home / DATABASE
    tracking_database.prepare(database, wait)

    import mlflow

    uri = address(database)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with translated(database):
        mlflow.set_experiment(experiment_id=experiment_id(experiment, wait))
    _last_setup = uri
    return home


def connect() -> None:
    """Call :func:`setup` unless somebody has; an address that is no file of ours (a server's) is left as it is."""
    silence()
    import mlflow

    if not mlflow.is_tracking_uri_set():
        setup()
    elif (uri := mlflow.get_tracking_uri()) != _last_setup:
        database = database_of(uri)
        if database is not None and database.name == DATABASE:
            setup(database.parent)


def upgrade(folder: str | os.PathLike[str] | None = None, *, wait: float = 10.0) -> Path:
    """Bring the database in ``folder`` up to the installed MLflow's schema; return the copy made of it before.

    An upgrade that fails puts the copy back. Raises CourseError when there is nothing to upgrade, and what
    :func:`setup` raises for everything but age.
    """
    return tracking_upgrade.upgrade(_home(folder) / DATABASE, wait)


def experiment_id(name: str, wait: float = 10.0) -> str:
    """The id of the experiment ``name``, which is made if it isn't there, with its files beside the database."""
    import mlflow

    found = mlflow.get_experiment_by_name(name)
    if found is None:
        with exclusive(wait):
            found = mlflow.get_experiment_by_name(name)  # somebody may have been quicker
            if found is None:
                return mlflow.create_experiment(name, artifact_location=_artifacts(name))
    return found.experiment_id


@contextlib.contextmanager
def exclusive(wait: float = 10.0) -> Iterator[None]:
    """Held by one process at a time, for what is looked at and then changed. Raises TrackingLocked."""
    import mlflow

    database = database_of(mlflow.get_tracking_uri())
    with tracking_database.file_lock(database or Path(tempfile.gettempdir()) / "course-tracking", wait):
        yield


def _home(folder: str | os.PathLike[str] | None) -> Path:
    if folder is None:
        state = os.environ.get("COURSE_STATE_DIR")
        folder = Path(state) if state else paths.build_dir() / "mlflow"
    home = Path(folder).expanduser().resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrackingReadOnly(f"The tracking folder {home} can't be made: {error.strerror or error}.") from error
    return home


def _artifacts(experiment: str) -> str | None:
    """Where an experiment's files go: without a place of its own they'd lie in ./mlruns, wherever the notebook runs."""
    import mlflow

    database = database_of(mlflow.get_tracking_uri())
    if database is None:
        return None
    return (database.parent / "artifacts" / re.sub(r"[^\w. -]", "_", experiment)).as_uri()
