"""What these tests start: a scheduler, workers and an S3 server as processes of their own, and their end."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Processes:
    """Processes that end with the block: each with the whole output in one log."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, []

    def start(self, *command: str, environment: dict[str, str] | None = None, cwd: Path | None = None):
        """Start a command; returns its process."""
        here = cwd or self.folder
        here.mkdir(parents=True, exist_ok=True)
        with (self.folder / "processes.log").open("ab") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **(environment or {})}, stdout=log, stderr=log, cwd=here
            )
        self.started.append(process)
        return process

    def log(self) -> str:
        """All that they said, to be shown when something goes wrong."""
        return (self.folder / "processes.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def scheduler(self, *before: str, host: str = "127.0.0.1", **options) -> str:
        """A Dask scheduler's address. ``before`` is a command that runs it (somewhere else)."""
        file = self.folder / "scheduler.json"
        dask = (sys.executable, "-m", "dask", "scheduler", "--host", host, "--port", "0", "--no-dashboard")
        process = self.start(*before, *dask, "--scheduler-file", str(file), **options)
        return wait_for(lambda: json.loads(file.read_text(encoding="utf-8"))["address"], process, self.log)

    def worker(self, address: str, name: str, *before: str, arguments: tuple[str, ...] = (), **options):
        """A Dask worker of one thread, in a folder of its own; its process."""
        dask = (sys.executable, "-m", "dask", "worker", address, "--nthreads", "1", "--no-dashboard", "--name", name)
        home = self.folder / name
        return self.start(*before, *dask, "--no-nanny", *arguments, cwd=home, **options)

    def s3(self, *before: str, host: str = "127.0.0.1", port: int | None = None) -> str:
        """The endpoint of an S3 server that keeps its objects in memory."""
        port = port or free_port()
        self.start(*before, sys.executable, "-m", "moto.server", "-H", host, "-p", str(port))
        return f"http://{host}:{port}"

    def end(self) -> None:
        """End all of them at once, the last first."""
        for process in reversed(self.started):
            end(process)


@contextlib.contextmanager
def processes(folder: Path) -> Iterator[Processes]:
    """Start processes in the block; none is left after it."""
    made = Processes(folder)
    try:
        yield made
    finally:
        made.end()


def end(process: subprocess.Popen) -> None:
    """Kill a process and those that it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
    process.wait(30)


def wait_for(what, process, log, seconds: float = 90):
    """What ``what()`` returns once it doesn't raise."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return what()
        except (OSError, ValueError, KeyError):
            time.sleep(0.05)
    raise AssertionError(log())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(endpoint: str) -> bool:
    """Whether somebody answers at ``http://host:port``."""
    host, port = endpoint.removeprefix("http://").split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False
