"""Predictions on their way to the store: on disk before the rider has the answer, in the database a moment later.

Each process appends to a file of its own, one JSON line a prediction. A background thread closes the file now and then
and brings closed files to the store: one transaction each, then the file goes. A database that is down, slow or full
delays nothing but that. A process that is killed leaves its file behind, and the next that looks brings it; since each
prediction has an id, one that was brought twice is stored once.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from pydantic_core import from_json, to_json

from course_lib.taxi.service.logs import told

EVERY_SECONDS = 0.5
LONGEST_WAIT = 30.0  # seconds between tries while the store is down
_log = logging.getLogger(__name__)


class Store(Protocol):
    """Where predictions end up."""

    def add(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Store all rows or none; rows with a known prediction_id are left alone."""


class Spool:
    """A queue on disk between answers and a store. ``lost`` counts what could not even be written to disk."""

    def __init__(self, folder: Path, store: Store, every_seconds: float = EVERY_SECONDS) -> None:
        self.folder, self.store, self.every_seconds = Path(folder), store, every_seconds
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stored, self.lost = 0, 0
        self.problem: str | None = None
        self.store_up = True
        self._name = uuid.uuid4().hex
        # held for as long as this process lives, however it ends: whoever can take it may have its files
        self._alive = FileLock(self.folder / f"{self._name}.lock")
        self._alive.acquire(timeout=10)
        self._writing, self._shipping = threading.Lock(), threading.Lock()
        self._open, self._number = None, 0
        self._stop = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> Spool:
        """Bring predictions to the store from now on, in the background."""
        self._thread = threading.Thread(target=self._run, name="prediction-spool", daemon=True)
        self._thread.start()
        return self

    def add(self, rows: list[Mapping[str, Any]]) -> bool:
        """Write rows to disk; they survive this process. False (and counted) when the disk takes no more."""
        text = b"".join(to_json(row) + b"\n" for row in rows)
        with self._writing:
            try:
                if self._open is None:
                    self._number += 1
                    path = self.folder / f"{self._name}-{self._number:06d}.jsonl"
                    self._open = path.open("ab")
                self._open.write(text)
                self._open.flush()
            except OSError as error:
                self.lost += len(rows)
                self.problem = f"predictions can't be written to {self.folder}: {error}"
                self._open = None  # half a line may be there: the next rows go to another file
                return False
        if self._closed:
            self.flush()  # an answer that was under way when the service ended: nobody else comes by
        return True

    def flush(self) -> bool:
        """Bring everything that waits to the store now; False when the store doesn't take it: it goes on waiting."""
        with self._shipping:
            for path in self._files(last=self._close_file()):
                try:
                    rows = list(_rows(path))
                    self.store.add(rows)
                except FileNotFoundError:
                    continue  # another process has just brought what a dead one left
                except Exception as error:  # whatever database drivers raise; the rows wait
                    if self.problem is None:
                        _log.warning("predictions wait on disk: %s", told(error))
                    self.problem = f"the prediction store can't be reached: {told(error)}"
                    self.store_up = False
                    break
                path.unlink(missing_ok=True)
                self.stored += len(rows)
            else:
                self.problem, self.store_up = None, True
            return self.problem is None

    def waiting(self) -> int:
        """How many predictions lie on disk and not yet in the store, those of all processes together."""
        count = 0
        for path in self.folder.glob("*.jsonl"):
            try:
                with path.open("rb") as file:
                    count += sum(1 for _ in file)
            except FileNotFoundError:
                pass  # brought meanwhile
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

    def _close_file(self) -> int:
        """Close the file that is being written; returns its number. Rows that come meanwhile open the next one."""
        with self._writing:
            if self._open is not None:
                self._open.close()
                self._open = None
            return self._number

    def _files(self, last: int) -> Iterator[Path]:
        """This process's files up to number ``last``, and all of processes that are gone, oldest first."""
        gone: dict[str, bool] = {}
        for path in sorted(self.folder.glob("*.jsonl"), key=lambda p: p.name):
            owner, _, number = path.stem.partition("-")
            if owner == self._name:
                closed = int(number) <= last
            else:
                closed = gone[owner] if owner in gone else gone.setdefault(owner, self._is_gone(owner))
            if closed:
                yield path

    def _is_gone(self, owner: str) -> bool:
        lock = FileLock(self.folder / f"{owner}.lock")
        try:
            with lock.acquire(timeout=0):
                pass
        except Timeout:
            return False
        Path(lock.lock_file).unlink(missing_ok=True)
        return True

    def _run(self) -> None:
        wait = self.every_seconds
        while not self._stop.wait(wait):
            self.flush()
            wait = min(wait * 2, LONGEST_WAIT) if self.problem else self.every_seconds


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The file's rows; a last line that was cut off by a crash was never acknowledged, and is left out."""
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            yield from_json(line)
        except ValueError:
            _log.warning("%s holds a line that is no prediction", path)
