"""Services that run for the length of a ``with`` block, and are stopped whatever happens inside it.

with running(create_app) as service:              # any WSGI application, in a thread of this process
    requests.post(service.url + "/predict", json=ride, timeout=5)

with deployed(workers=2) as service:              # this course's service, as it is deployed, in processes of its own
    ...
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.taxi.service import carriage, server

_SECOND_THOUGHTS = 2.0  # seconds that a service gets which has answered that it is not ready


class NotRunning(CourseError):
    """The service did not start: the message says how far it came, and what it said."""


@dataclass(frozen=True)
class Running:
    """A service that answers at ``url``; ``process`` where it has one of its own."""

    url: str
    process: subprocess.Popen | None = field(default=None, repr=False)
    log: Path | None = field(default=None, repr=False)


@contextlib.contextmanager
def running(make_app: Callable[[], Any], *, start_within: float = 10.0) -> Iterator[Running]:
    """Build a WSGI application (Flask's, or any other), serve it on a free port of this machine, stop it at the end.

    It runs in threads of this process, so it may use whatever the notebook has defined. Views that hang don't keep
    the block from ending: their threads are left alone, the port is closed. Raises NotRunning when ``make_app``
    raises, returns no application, or takes longer than ``start_within`` seconds.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any, **__: Any) -> None:
            """Lines about requests belong into no notebook."""

    app = _within(make_app, start_within)
    if not callable(app):
        raise NotRunning(f"no application came back, but {app!r}: a Flask app, for example, was expected")
    http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    http.daemon_threads, http.block_on_close = True, False  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{http.server_port}")
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)


def _within(make_app: Callable[[], Any], seconds: float) -> Any:
    """What ``make_app`` returns; a thread, since a function that hangs can't be stopped but can be left behind."""
    outcome: dict[str, Any] = {}

    def build() -> None:
        try:
            outcome["app"] = make_app()
        except BaseException as error:  # also sys.exit: it must not look like an application
            outcome["error"] = error

    builder = threading.Thread(target=build, daemon=True)
    builder.start()
    builder.join(seconds)
    if builder.is_alive():
        raise NotRunning(f"the application was not there after {seconds:g} seconds")
    if "error" in outcome:
        error = outcome["error"]
        raise NotRunning(f"the application can't be built: {type(error).__name__}: {error}") from error
    return outcome["app"]


@contextlib.contextmanager
def deployed(
    *,
    workers: int = 1,
    mlflow: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    start_within: float = 60.0,
    target: str = server.APPLICATION,
    ready: bool = True,
) -> Iterator[Running]:
    """This course's service under its production server, on a free port; ends with the block, all its processes too.

    ``mlflow`` is the tracking folder with the champion (default: as tracking.setup takes it), ``folder`` holds spool,
    predictions and log (default: a temporary one). ``target`` may name another maker of an application, as server.serve
    takes it; it must answer /health/ready. Returns once the service is ready, or, with ``ready`` False, once it
    answers whether it is. Raises NotRunning with the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="taxi-service-", ignore_cleanup_errors=True) as own:
        home = Path(folder or own)
        home.mkdir(parents=True, exist_ok=True)
        port = server.free_port()
        code = f"from course_lib.taxi.service import server; server.serve({port}, workers={workers}, target={target!r})"
        env = {**os.environ, server.FOLDER: str(home), **(environment or {})}
        if mlflow is not None:
            env[server.MLFLOW] = str(mlflow)
        log = home / "service.log"
        with log.open("ab") as said:
            process = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=said, stderr=said)
        try:
            service = Running(f"http://127.0.0.1:{port}", process, log)
            _wait_until_ready(service, start_within, ready)
            yield service
        finally:
            _stop(process)


def _wait_until_ready(service: Running, seconds: float, ready: bool) -> None:
    import requests

    started = time.monotonic()
    end = started + seconds
    why = "it does not answer"
    while time.monotonic() < end and service.process.poll() is None:
        try:
            health = requests.get(f"{service.url}/health/ready", timeout=5)
            if health.ok or not ready:
                return
            why = "; ".join(health.json()["problems"])
            end = min(end, time.monotonic() + _SECOND_THOUGHTS)
        except requests.RequestException:
            pass
        time.sleep(0.05)
    ended = "" if service.process.poll() is None else f"it ended with code {service.process.returncode}"
    last = service.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    raise NotRunning(
        "\n".join([f"the service is not ready after {time.monotonic() - started:.0f} seconds: {ended or why}", *last])
    )


def _stop(process: subprocess.Popen) -> None:
    """Ask it to end; when it takes longer than it may, end it and all that it has started."""
    import psutil

    family = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        # it gives its workers so long, then brings their last predictions to the store
        process.wait(server.ENDING_SECONDS + carriage.LAST_SECONDS + 5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for child in family:
        with contextlib.suppress(psutil.Error):
            child.kill()
