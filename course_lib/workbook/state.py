"""A working state of its own for every run of a notebook, so that two at once never meet.

A run gets a fresh folder to work in, a fresh ``COURSE_STATE_DIR`` (databases, artifacts), and a kernel that
talks over sockets in that folder rather than over ports, where the system has such sockets.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib import mlflow_database
from course_lib.paths import data_dir, project_root

if TYPE_CHECKING:
    from traitlets.config import Config

# A socket's path may have 108 bytes on Linux and 104 on macOS; jupyter adds "-ipc-12345".
_LONGEST_SOCKET = 90


@dataclass(frozen=True)
class WorkingState:
    """Where one run works: its current folder, its environment, and how its kernel is reached."""

    folder: Path
    env: dict[str, str]
    connection_file: Path

    def kernel_config(self) -> Config:
        """Settings for a Jupyter kernel manager: the connection file, and ``ipc`` where it can be had."""
        from traitlets.config import Config

        config = Config()
        config.KernelManager.connection_file = str(self.connection_file)
        if os.name == "posix" and len(os.fsencode(self.connection_file)) <= _LONGEST_SOCKET:
            config.KernelManager.transport = "ipc"
        return config


@contextmanager
def working_state(
    files: Mapping[str, bytes] | None = None, env: Mapping[str, str] | None = None
) -> Iterator[WorkingState]:
    """A fresh working state, removed afterwards.

    ``files`` are put into the working folder first (by relative name), ``env`` is added to the environment. MLflow's
    database is there and empty, where one is kept (see `course_lib.mlflow_database`); else MLflow makes its own.
    """
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as name:
        top = Path(name).resolve()
        folder, state = top / "work", top / "state"
        folder.mkdir()
        state.mkdir()
        for relative, content in (files or {}).items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        mlflow_database.copy(state / "mlflow.db", mlflow_database.usual_artifacts(folder))
        yield WorkingState(folder, {**os.environ, **_environment(state), **(env or {})}, top / "kernel.json")


def _environment(state: Path) -> dict[str, str]:
    """What a kernel finds in its environment: whatever writes has a place of its own, trips and the project are shared.

    Both are named outright, since the kernel works in another folder. The fixed hash seed lets sets of strings
    come in the same order twice.
    """
    return {
        "COURSE_ROOT": str(project_root()),
        "COURSE_DATA_DIR": str(data_dir().absolute()),
        "COURSE_STATE_DIR": str(state),
        "DO_NOT_TRACK": "true",
        "IPYTHONDIR": str(state / "ipython"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": f"sqlite:///{(state / 'mlflow.db').as_posix()}",
        "PYTHONHASHSEED": "0",
    }
