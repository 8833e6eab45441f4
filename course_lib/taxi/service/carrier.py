"""Who brings predictions from the spool's folder to the store: a file at a time, each in one transaction, then it goes.

Under ``course serve`` that is a process of its own with the lowest claim on the processors (carriage.py), so that
riders are answered first. Elsewhere, in a notebook or a test, the spool's own thread does it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from pydantic_core import from_json

from course_lib.taxi.service.logs import told

#: A file that is being written, and one that nobody writes to any more.
OPEN, CLOSED = ".open", ".jsonl"
_log = logging.getLogger(__name__)


class Store(Protocol):
    """Where predictions end up."""

    def add(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Store all rows or none; rows with a known prediction_id are left alone."""


class Carrier:
    """Brings what lies closed in ``folder`` to ``store``, and what processes left behind that are gone.

    Closed files of living processes are brought for the process ``own`` only, or, without it, for all of them.
    ``stored`` counts rows, ``problem`` says why the store takes none.
    """

    def __init__(self, folder: Path, store: Store, own: str | None = None) -> None:
        self.folder, self.store, self.own = Path(folder), store, own
        self.stored = 0
        self.problem: str | None = None

    def bring(self) -> bool:
        """Everything that can be brought now; False when the store doesn't take it: it goes on waiting."""
        for path in self._files():
            try:
                rows = list(_rows(path))
                self.store.add(rows)
            except FileNotFoundError:
                continue  # another process has just brought what a dead one left
            except Exception as error:  # whatever database drivers raise; the rows wait
                if self.problem is None:
                    _log.warning("predictions wait on disk: %s", told(error))
                self.problem = f"the prediction store can't be reached: {told(error)}"
                return False
            path.unlink(missing_ok=True)
            self.stored += len(rows)
        self.problem = None
        return True

    def _files(self) -> Iterator[Path]:
        """What may be brought, oldest first."""
        gone = {self.own: False}
        for path in sorted(waiting_files(self.folder), key=lambda path: path.name):
            owner = path.stem.partition("-")[0]
            if owner not in gone:
                gone[owner] = self._is_gone(owner)
            if gone[owner] or (path.suffix == CLOSED and self.own in (owner, None)):
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


def waiting_files(folder: Path) -> list[Path]:
    """Files with predictions, closed or not, in no order."""
    return [path for path in folder.iterdir() if path.suffix in (OPEN, CLOSED)]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The file's rows; a last line that was cut off by a crash was never acknowledged, and is left out."""
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            yield from_json(line)
        except ValueError:
            _log.warning("%s holds a line that is no prediction", path)
