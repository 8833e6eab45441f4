"""An empty tracking database, made once and copied from then on: MLflow runs some fifty migrations to make one, 2 s.

The copy lies in the data folder, one for each version of MLflow. Without it nothing is lost but that time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from course_lib import paths

# `tracking.setup` has the database opened and closed for every call, so that its folder can be made anew while somebody
# works. Where a notebook runs once, in a folder of its own, nobody does that, and a fifth of the time is saved.
KEEP_OPEN = {"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "QueuePool"}
_MAKE_SECONDS = 300


def used_by(modules: Iterable[str]) -> bool:
    """Whether MLflow is among modules that are imported, by their full names."""
    return any(name.partition(".")[0] == "mlflow" for name in modules)


def kept() -> Path:
    """Where the empty database of the installed MLflow is, or will be."""
    return paths.data_dir() / "mlflow" / f"empty-{metadata.version('mlflow')}.db"


def keep(database: Path) -> None:
    """Keep a copy of an empty database that MLflow has made. Raises OSError where the data folder is read-only."""
    place = kept()
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as folder:
        os.replace(shutil.copyfile(database, Path(folder) / "empty.db"), place)


def copy(target: Path, artifacts: str) -> bool:
    """Write an empty database if there is a good one to copy; False, and nothing is written, if there is none.

    ``artifacts`` is where the experiment that is always there, *Default*, keeps its files: a folder or its address.
    """
    try:
        shutil.copyfile(kept(), target)
        if place_default(target, artifacts):
            return True
    except (OSError, sqlite3.Error, metadata.PackageNotFoundError):
        pass
    with contextlib.suppress(OSError):
        target.unlink(missing_ok=True)
    return False


def usual_artifacts(folder: Path) -> str:
    """Where *Default* keeps its files if MLflow makes the database for somebody who works in ``folder``."""
    place = folder / "mlruns" / "0"
    return place.as_uri() if os.name == "nt" else place.as_posix()


def place_default(database: Path, artifacts: str) -> bool:
    """Say where *Default* keeps its files; False where there is no such experiment. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")  # a new file that nobody else knows
        place = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0"
        return connection.execute(place, (artifacts,)).rowcount == 1


def create(database: Path) -> None:
    """Have MLflow make it here, with all migrations: MLflow makes what it opens."""
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{database.as_posix()}").search_experiments(max_results=1)


def make() -> None:
    """Have MLflow make the empty database if there is none yet, in a process of its own. Never raises.

    Of several that want it at once, one makes it, and the others wait.
    """
    with contextlib.suppress(OSError, subprocess.SubprocessError, metadata.PackageNotFoundError):
        if (place := kept()).is_file():
            return
        from filelock import FileLock

        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock"), timeout=_MAKE_SECONDS):
            if not place.is_file():
                subprocess.run(
                    [sys.executable, "-m", "course_lib.mlflow_database"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=_MAKE_SECONDS, check=True,
                )  # fmt: skip


def main() -> None:
    """Make and keep it."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        database = Path(folder) / "empty.db"
        os.environ["MLFLOW_SQLALCHEMYSTORE_POOLCLASS"] = "NullPool"  # nothing of it stays open
        create(database)
        keep(database)
        os.chdir(paths.project_root())


if __name__ == "__main__":
    main()
