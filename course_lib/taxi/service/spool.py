"""Predictions on their way to the store: on disk before the rider has the answer, in the database a moment later.

Each process appends to a file of its own, one JSON line a prediction, closes it now and then and begins the next.
Closed files are brought to the store (carrier.py). A database that is down, slow or full delays nothing but that. A
process that is killed leaves its file behind, and the next that looks brings it; since each prediction has an id, one
that was brought twice is stored once.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock
from pydantic_core import to_json

from course_lib.taxi.service.carrier import CLOSED, OPEN, Carrier, Store, waiting_files

EVERY_SECONDS = 0.5
LONGEST_WAIT = 30.0  # seconds between tries while the store is down
MOST_BYTES = 2**30  # in files that wait: about three million predictions
_log = logging.getLogger(__name__)


class Way(Protocol):
    """How closed files come to the store: a carrier of this process, or the news of one elsewhere."""

    stored: int
    problem: str | None

    def bring(self) -> bool:
        """Bring what can be brought now; False while the store takes nothing."""


class Spool:
    """A queue on disk between answers and a ``store``; or on a ``way`` to it that somebody else goes.

    It holds up to ``most_bytes``. ``lost`` counts predictions that were not written: the queue or the disk was full.
    """

    def __init__(
        self,
        folder: Path,
        store: Store | None = None,
        every_seconds: float = EVERY_SECONDS,
        *,
        way: Way | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.folder, self.every_seconds, self.most_bytes = Path(folder), every_seconds, most_bytes
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lost = 0
        self._name = uuid.uuid4().hex
        # held for as long as this process lives, however it ends: whoever can take it may have its files
        self._alive = FileLock(self.folder / f"{self._name}.lock")
        self._alive.acquire(timeout=10)
        self.way: Way = way or Carrier(self.folder, store, self._name)  # type: ignore[arg-type]
        self._writing, self._shipping = threading.Lock(), threading.Lock()
        self._open, self._number = None, 0
        self._path = self.folder
        self._unwritten: str | None = None
        self._full = False
        self._stop = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def stored(self) -> int:
        """Predictions brought to the store."""
        return self.way.stored

    @property
    def problem(self) -> str | None:
        """Why predictions are lost, or wait."""
        return self._unwritten or self.way.problem

    @property
    def store_up(self) -> bool:
        """Whether the store took what came last."""
        return self.way.problem is None

    def start(self) -> Spool:
        """Close files from now on and see to it that they are brought, in the background."""
        self._thread = threading.Thread(target=self._run, name="prediction-spool", daemon=True)
        self._thread.start()
        return self

    def add(self, rows: list[Mapping[str, Any]]) -> bool:
        """Write rows to disk; they survive this process. False (and counted) when the disk takes no more."""
        text = b"".join([to_json(row) + b"\n" for row in rows])
        with self._writing:
            try:
                if self._full:
                    raise OSError(f"{self.most_bytes / 2**20:,.0f} MB wait there, and more is not kept")
                if self._open is None:
                    self._number += 1
                    self._path = self.folder / f"{self._name}-{self._number:06d}{OPEN}"
                    self._open = self._path.open("ab")
                self._open.write(text)
                self._open.flush()
                self._unwritten = None
            except OSError as error:
                self.lost += len(rows)
                self._unwritten = f"predictions can't be written to {self.folder}: {error}"
                self._close_file()  # half a line may be there: the next rows go to another file
                return False
        if self._closed:
            self.flush()  # an answer that was under way when the service ended: nobody else comes by
        return True

    def flush(self) -> bool:
        """Bring everything that waits to the store now; False when the store doesn't take it: it goes on waiting."""
        with self._shipping:
            with self._writing:
                self._close_file()
            return self.way.bring()

    def waiting(self) -> int:
        """How many predictions lie on disk and not yet in the store, those of all processes together."""
        count = 0
        for path in waiting_files(self.folder):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # it may be brought meanwhile
                count += sum(1 for _ in file)
        return count

    def close(self) -> None:
        """Bring what waits, once; what the store doesn't take stays on disk for the next process.

        Rows that come later are brought one by one.
        """
        self._closed = True  # first: whoever wrote before this, is brought by the flush below
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)
        self.flush()
        self._alive.release()
        Path(self._alive.lock_file).unlink(missing_ok=True)

    def _close_file(self) -> None:
        """Nobody writes to it any more, and its name says so; the next rows open the next one."""
        if self._open is None:
            return
        with contextlib.suppress(OSError):
            self._open.close()
        self._open = None
        try:
            self._path.rename(self._path.with_suffix(CLOSED))
        except OSError as error:
            _log.warning("%s is brought when this process has ended: %s", self._path, error)

    def _run(self) -> None:
        pause, next_try = self.every_seconds, 0.0
        while not self._stop.wait(self.every_seconds):
            self._full = sum(map(_size, waiting_files(self.folder))) >= self.most_bytes
            if time.monotonic() >= next_try:
                pause = self.every_seconds if self.flush() else min(pause * 2, LONGEST_WAIT)
                next_try = time.monotonic() + (0 if pause == self.every_seconds else pause)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it was brought meanwhile
        return 0
