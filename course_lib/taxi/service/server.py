"""The service under a production server: granian, with one or several worker processes.

Each worker builds its application from the environment that :func:`serve` sets: the MLflow folder, the prediction
store's URL, the spool's folder, the model's name.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib import paths
from course_lib.errors import UsageError

if TYPE_CHECKING:
    from flask import Flask

    from course_lib.taxi.service.gateway import Gateway
    from course_lib.taxi.service.store import PredictionStore

FOLDER, STORE, MODEL, MLFLOW = "TAXI_SERVICE_FOLDER", "TAXI_STORE", "TAXI_MODEL", "TAXI_MLFLOW"
RATE, SECONDS = "TAXI_RATE", "TAXI_ANSWER_SECONDS"
_PARENT = "TAXI_SERVICE_PARENT"  # set for workers
_SPOOL = "spool"  # in the service's folder
_SHARED = "taxi-shared-"
_DESCRIPTORS = 65_536  # one for each connection
_HEADER_SECONDS = 10.0  # in which a request's first lines must have come; also for the next one on the same connection
_CONNECTIONS = 8192  # of one worker, at a time: the next wait until one ends
_TURN_SECONDS = 0.0005
ENDING_SECONDS = 10.0  # that workers have to finish what they answer when the service ends; then they are killed
#: What makes the application, as a production server is told.
APPLICATION = "course_lib.taxi.service.server:gateway"


def default_folder() -> Path:
    """Where the service keeps its spool and, unless told otherwise, its store."""
    return paths.build_dir() / "service"


def application() -> Flask:
    """The application as the environment describes it; each worker calls this once.

    ``TAXI_SERVICE_FOLDER`` holds the spool, ``TAXI_STORE`` is the prediction store's URL (default: SQLite in that
    folder), ``TAXI_MODEL`` the registered model's name, ``TAXI_MLFLOW`` MLflow's folder (default: build/mlflow).
    A registry that can't be read is no error: the application says so, and tries again.
    """
    from course_lib.taxi import tracking
    from course_lib.taxi.service import carriage, logs
    from course_lib.taxi.service.app import create_app
    from course_lib.taxi.service.lastchampion import LastChampion
    from course_lib.taxi.service.live import LiveModels
    from course_lib.taxi.service.registry import MLflowRegistry
    from course_lib.taxi.service.spool import Spool

    if parent := os.environ.get(_PARENT):
        logs.catch_threads()
        _end_with(int(parent))
    folder = own_folder()
    registry = MLflowRegistry(os.environ.get(MODEL) or tracking.MODEL_NAME, os.environ.get(MLFLOW), patient=True)
    models = LiveModels(registry, last=LastChampion(folder / "last-champion.pkl"))
    news = os.environ.get(carriage.NEWS)
    spool = Spool(folder / _SPOOL, way=carriage.News(Path(news))) if news else Spool(folder / _SPOOL, store())
    return create_app(models.start(), spool.start())


def own_folder() -> Path:
    """The service's folder as the environment names it; made if it isn't there."""
    folder = Path(os.environ.get(FOLDER) or default_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def store() -> PredictionStore:
    """The prediction store as the environment names it."""
    from course_lib.taxi.service.store import PredictionStore

    return PredictionStore(os.environ.get(STORE) or f"sqlite:///{(own_folder() / 'predictions.db').as_posix()}")


def gateway() -> Gateway:
    """:func:`application` as :func:`serve` runs it: single rides in the event loop, as long as they are compiled.

    ``TAXI_RATE`` is how often one address may ask (``off``: as often as it likes; not set: limiting.DEFAULT, and this
    machine as often as it likes), ``TAXI_ANSWER_SECONDS`` how long an answer may take.
    """
    from course_lib.taxi.service import contract, limiting, patience
    from course_lib.taxi.service.door import Door
    from course_lib.taxi.service.express import Express
    from course_lib.taxi.service.gateway import Gateway

    # a thread that answers a list holds up single riders for this long, not for Python's usual 5 ms
    sys.setswitchinterval(_TURN_SECONDS)
    app = application()
    parts = app.extensions["taxi"]
    asked = os.environ.get(RATE)
    allowed = limiting.rate(asked or limiting.DEFAULT)
    limiter = limiting.Limiter(allowed, spare_own=not asked) if allowed else None
    gateway = Gateway(
        app,
        max_bytes=contract.MAX_BYTES,
        express=Express(parts),
        door=Door(parts.metrics, limiter),
        patience=patience.Patience(float(os.environ.get(SECONDS) or patience.ANSWER_SECONDS)),
        ending=parts.spool.close,  # what waits is brought now, not at the next start
    )
    # all this stays; looking through it for garbage again and again would take 50 ms each time, and riders wait
    gc.collect()
    gc.freeze()
    return gateway


def serve(port: int = 8000, *, host: str = "127.0.0.1", workers: int = 1, target: str = APPLICATION) -> None:
    """Answer on this address until interrupted; ``target`` names what makes the application for RSGI (module:function).

    Raises UsageError when the port is taken.
    """
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server import Server

    from course_lib.taxi.service import logs
    from course_lib.taxi.service.carriage import carried

    check_port(host, port)
    connections = min(_CONNECTIONS, max(lift_descriptors() - 256, 128))
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one ride at a time is quicker without threads of its own
    os.environ[_PARENT] = str(os.getpid())
    with contextlib.ExitStack() as stack:
        shared = stack.enter_context(_shared_folder())
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
        store().close()  # a URL that is none is said now
        stack.enter_context(carried(own_folder() / _SPOOL, shared / "news.json"))
        Server(
            target,
            address=host,
            port=port,
            interface=Interfaces.RSGI,
            workers=workers,
            factory=True,
            respawn_failed_workers=True,
            workers_kill_timeout=int(ENDING_SECONDS),
            websockets=False,
            # HTTP/1 only: while granian waits to see which HTTP a caller speaks, it waits without an end
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=int(_HEADER_SECONDS * 1000)),
            backpressure=connections,
            log_access=False,
            log_dictconfig=logs.configuration(),
        ).serve()


def lift_descriptors(wanted: int = _DESCRIPTORS) -> int:
    """Let this process and its children open up to ``wanted`` files and connections; returns how many they may."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if now == resource.RLIM_INFINITY or now >= allowed:
        return wanted if now == resource.RLIM_INFINITY else now
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    except (OSError, ValueError):  # macOS says "unlimited" and means less
        return now
    return allowed


@contextlib.contextmanager
def _shared_folder() -> Iterator[Path]:
    """Where processes tell each other their numbers: in memory where there is such a folder, since disks fill.

    Folders of services that were killed are removed.
    """
    import psutil

    memory = Path("/dev/shm")
    home = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    for left in home.glob(f"{_SHARED}*"):
        owner = left.name.removeprefix(_SHARED).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_SHARED}{os.getpid()}-", dir=home) as folder:
        yield Path(folder)


def _end_with(parent: int) -> None:
    """End this worker when the process that started it is gone, however it went: nobody could stop it any more."""
    import psutil

    def alive() -> bool:
        # nobody else becomes a parent by chance, while another process may get its number
        return os.getppid() == parent if os.name == "posix" else psutil.pid_exists(parent)

    def watch() -> None:
        while alive():
            time.sleep(0.2)
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
