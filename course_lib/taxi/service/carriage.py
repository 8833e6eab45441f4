"""The process that brings the predictions of a service's workers to the store, while they go on answering.

Bringing a prediction to a database costs a processor several times what writing its line did. A thread of the worker
that did it would hold up riders, since threads of one Python process take turns. A process of its own takes what time
the riders leave: the operating system is asked to serve it last. While they leave none, lines wait on disk.

    with carried(folder):                      # in the process that starts the workers
        ...                                    # they write: Spool(folder, way=News(folder))

What it has done it tells in a small file, which the workers read when somebody asks for their health or numbers.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from course_lib.taxi.pipeline_files import replacing
from course_lib.taxi.service.carrier import Carrier
from course_lib.taxi.service.spool import EVERY_SECONDS, LONGEST_WAIT

#: The environment's variable with the path of the file of news; where it is not set, nobody carries.
NEWS = "TAXI_SPOOL_NEWS"
SILENCE = 60.0  # seconds without a word after which something is wrong
LAST_SECONDS = 20.0  # in which the last predictions must be brought when the service ends
_NICE = 19  # the last to be served
_AGAIN = 1.0  # seconds until one that ended is started again
_log = logging.getLogger(__name__)


class News:
    """What the carrier of another process last said of itself."""

    def __init__(self, path: Path) -> None:
        self.path, self._since = Path(path), time.time()

    @property
    def stored(self) -> int:
        """Predictions brought since the service was started."""
        return self._read()[0]

    @property
    def problem(self) -> str | None:
        """Why the store takes none, or that nobody brings any."""
        _, problem, at = self._read()
        silence = time.time() - max(at, self._since)
        if silence > SILENCE:
            return f"nobody has brought predictions to the store for {silence:.0f} seconds"
        return problem

    def bring(self) -> bool:
        """It is done elsewhere; whether that works."""
        return self.problem is None

    def _read(self) -> tuple[int, str | None, float]:
        with contextlib.suppress(OSError, ValueError):
            stored, problem, at = json.loads(self.path.read_text(encoding="utf-8"))
            return int(stored), problem, float(at)
        return 0, None, 0.0


@contextlib.contextmanager
def carried(folder: Path, news: Path) -> Iterator[None]:
    """Have a process bring what lies in ``folder``, for as long as the block lasts, and what is left at its end.

    The block's processes find ``news`` by the environment. The store is the one that server.store names.
    """
    keeper = _Keeper(folder, news)
    os.environ[NEWS] = str(news)
    try:
        yield
    finally:
        os.environ.pop(NEWS, None)
        keeper.end()


class _Keeper:
    """Starts the process, and starts it again should it die."""

    def __init__(self, folder: Path, news: Path) -> None:
        self._command = [sys.executable, "-m", __name__, str(folder), str(news)]
        self._ending = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._keep, name="keep-carriage", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let it bring what is left, and end."""
        self._ending.set()
        self._thread.join(_AGAIN + 5)
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(LAST_SECONDS)
        except subprocess.TimeoutExpired:
            _log.warning("predictions wait on disk for the next start: the store takes too long")
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen:
        # it ends when its input does: by end(), or because this process is gone, in whatever way
        return subprocess.Popen(self._command, stdin=subprocess.PIPE)

    def _keep(self) -> None:
        while not self._ending.wait(0.2):
            if self._process.poll() is not None:
                _log.warning("what brings predictions to the store ended (%s): again", self._process.returncode)
                if not self._ending.wait(_AGAIN):
                    self._process = self._start()


def main(folder: str, news: str) -> None:
    """Bring what comes, until the standard input ends; then what is there, once more."""
    import logging.config
    import signal

    from course_lib.taxi.service import logs, server

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # they may reach all of a service's processes, and this is the last
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **logs.configuration()})
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), ending.set()), daemon=True).start()
    carry(Path(folder), Path(news), Carrier(Path(folder), server.store()), ending)


def carry(folder: Path, news: Path, carrier: Carrier, ending: threading.Event) -> None:
    """Bring and tell, until ``ending``. Of several on one folder, one brings and the others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    carrier.stored = News(news).stored  # of one that died
    alone = FileLock(folder.with_suffix(".lock"))
    wait = EVERY_SECONDS
    while not ending.wait(wait):
        with contextlib.suppress(Timeout), alone.acquire(timeout=0):
            wait = EVERY_SECONDS if carrier.bring() else min(wait * 2, LONGEST_WAIT)
        _tell(news, carrier)
    with contextlib.suppress(Timeout), alone.acquire(timeout=LAST_SECONDS / 2):
        carrier.bring()


def _tell(news: Path, carrier: Carrier) -> None:
    with contextlib.suppress(OSError), replacing(news) as part:  # no room: silence says enough
        part.write_text(json.dumps([carrier.stored, carrier.problem, time.time()]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
