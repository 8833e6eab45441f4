"""The service under a production server: granian, with one or several worker processes.

Each worker builds its application from the environment that :func:`serve` sets: the MLflow folder, the prediction
store's URL, the spool's folder, the model's name.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib import paths
from course_lib.errors import UsageError

if TYPE_CHECKING:
    from flask import Flask

    from course_lib.taxi.service.gateway import Gateway

FOLDER, STORE, MODEL, MLFLOW = "TAXI_SERVICE_FOLDER", "TAXI_STORE", "TAXI_MODEL", "TAXI_MLFLOW"
_PARENT = "TAXI_SERVICE_PARENT"  # set for workers
#: What makes the application, as a production server is told.
APPLICATION = "course_lib.taxi.service.server:gateway"


def default_folder() -> Path:
    """Where the service keeps its spool and, unless told otherwise, its store."""
    return paths.build_dir() / "service"


def application() -> Flask:
    """The application as the environment describes it; each worker calls this once.

    ``TAXI_SERVICE_FOLDER`` holds the spool, ``TAXI_STORE`` is the prediction store's URL (default: SQLite in that
    folder), ``TAXI_MODEL`` the registered model's name, ``TAXI_MLFLOW`` MLflow's folder (default: build/mlflow).
    """
    from course_lib.taxi import tracking
    from course_lib.taxi.service.app import create_app
    from course_lib.taxi.service.live import LiveModels
    from course_lib.taxi.service.registry import MLflowRegistry
    from course_lib.taxi.service.spool import Spool
    from course_lib.taxi.service.store import PredictionStore

    if parent := os.environ.get(_PARENT):
        _end_with(int(parent))
    folder = Path(os.environ.get(FOLDER) or default_folder())
    folder.mkdir(parents=True, exist_ok=True)
    store = PredictionStore(os.environ.get(STORE) or f"sqlite:///{(folder / 'predictions.db').as_posix()}")
    registry = MLflowRegistry(os.environ.get(MODEL) or tracking.MODEL_NAME, os.environ.get(MLFLOW))
    return create_app(LiveModels(registry).start(), Spool(folder / "spool", store).start())


def gateway() -> Gateway:
    """:func:`application` as :func:`serve` runs it: single rides in the event loop, as long as they are compiled."""
    from course_lib.taxi.service import contract
    from course_lib.taxi.service.express import Express
    from course_lib.taxi.service.gateway import Gateway

    app = application()
    return Gateway(app, max_bytes=contract.MAX_BYTES, express=Express(app.extensions["taxi"]))


def serve(port: int = 8000, *, host: str = "127.0.0.1", workers: int = 1, target: str = APPLICATION) -> None:
    """Answer on this address until interrupted; ``target`` names what makes the application for RSGI (module:function).

    Raises UsageError when the port is taken.
    """
    from granian.constants import Interfaces
    from granian.server import Server

    check_port(host, port)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one ride at a time is quicker without threads of its own
    os.environ[_PARENT] = str(os.getpid())
    with contextlib.ExitStack() as stack:
        if workers > 1:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="taxi-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        Server(
            target,
            address=host,
            port=port,
            interface=Interfaces.RSGI,
            workers=workers,
            factory=True,
            respawn_failed_workers=True,
            websockets=False,
            log_access=False,
        ).serve()


def _end_with(parent: int) -> None:
    """End this worker when the process that started it is gone, however it went: nobody could stop it any more."""
    import psutil

    def watch() -> None:
        while psutil.pid_exists(parent):
            time.sleep(1.0)
        os._exit(1)  # what it has answered lies on disk

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def check_port(host: str, port: int) -> None:
    """Raise UsageError when nothing could listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"Nothing can listen on {host}, port {port}: {error}. `course serve --port 0` takes a free port."
            ) from error


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
