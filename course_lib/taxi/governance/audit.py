"""An append-only log in which every entry holds the hash of the one before: what was written can't be changed unseen.

log = audit.of(folder)                                        # folder/audit.jsonl
log.append("promoted", "taxi-duration/3", details={"from": 2})
log.verify()                                                  # or the first bad line, and what happened to it
count, digits = log.head                                      # to be noted somewhere else
log.verify(head=(count, digits))                              # sees a tail that was cut off, too

A chain proves that its entries follow each other, not that it is complete, nor that nobody wrote a whole new one: both
show only against a head that was noted elsewhere. Promotions, rollbacks and moved aliases note it in the registry.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.governance import audit_chain
from course_lib.taxi.governance.audit_chain import GENESIS, Check, Entry, Head, canonical, digest

__all__ = ["FILE", "GENESIS", "AuditError", "AuditLog", "Check", "Entry", "Head", "canonical", "digest", "of", "person"]

#: The log's name in MLflow's folder.
FILE = "audit.jsonl"
#: What the log writes of itself after a crash.
RECOVERED = "recovered"
_BLOCK = 4096
_LOOKS, _MOMENT = 3, 0.02  # seconds


class AuditError(CourseError):
    """The log can't be read or written, or its end isn't what was written; the message says which."""


def of(folder: str | os.PathLike[str]) -> AuditLog:
    """The log in MLflow's ``folder``."""
    return AuditLog(Path(folder) / FILE)


def person() -> str:
    """Who is at work: ``COURSE_USER``, else the login name, else "unknown"."""
    if named := os.environ.get("COURSE_USER", "").strip():
        return named
    with contextlib.suppress(OSError, KeyError, ImportError):  # a container may know nobody
        return getpass.getuser()
    return "unknown"


class AuditLog:
    """Entries in a file of JSON lines, one writer at a time. The file is made by the first entry.

    ``wait`` is how many seconds to wait for another writer.
    """

    def __init__(self, path: str | os.PathLike[str], wait: float = 10.0) -> None:
        self.path, self.wait = Path(path), wait

    def append(
        self,
        action: str,
        subject: str,
        by: str | None = None,
        details: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Entry:
        """Write an entry to the disk and return it: ``by`` did ``action`` to ``subject``, now or ``at`` (with a zone).

        ``details`` are plain values: texts, numbers, lists and dicts of them. A last line that a crash left unfinished
        was never an entry: its text is kept in an entry "recovered", and the new one follows.

        Raises UsageError for what can't be written down, AuditError when the file can't be written, another writer
        doesn't finish, or the last entry is not what was written.
        """
        known = audit_chain.content(action, subject, person() if by is None else by, details, at or datetime.now(UTC))
        with self._alone(), self._opened("r+b") as file:
            last, torn = self._last(file)
            if torn:
                lost = {"text": torn.decode("utf-8", "replace")}
                note = audit_chain.content(RECOVERED, "audit log", "audit log", lost, datetime.now(UTC))
                # the new line covers the torn one from its first byte; it is longer, since it holds that text
                last = self._write(file, audit_chain.follow(last, note), -len(torn))
            return self._write(file, audit_chain.follow(last, known))

    def entries(self) -> list[Entry]:
        """All entries, oldest first. Raises AuditError at the first line that is none (verify says more)."""
        found = []
        for number, line in enumerate(self._lines(), 1):
            entry = audit_chain.parse(line)
            if entry is None:
                raise AuditError(f"Line {number} of {self.path} is no entry: {self.verify().reason}")
            found.append(entry)
        return found

    def table(self) -> pd.DataFrame:
        """The entries as rows: index ``number``; columns at, action, subject, by and details."""
        columns = ["number", "at", "action", "subject", "by", "details"]
        rows = [[getattr(entry, name) for name in columns] for entry in self.entries()]
        return pd.DataFrame(rows, columns=columns).set_index("number")

    @property
    def head(self) -> Head:
        """How many entries there are, and the last one's hash: what to note elsewhere. (0, GENESIS) without entries."""
        there = self.entries()
        return Head(len(there), there[-1].hash) if there else Head(0, GENESIS)

    def verify(self, head: tuple[int, str] | None = None) -> Check:
        """Whether every line is an entry that follows the one before and, with ``head``, nothing after it is gone.

        Raises AuditError when the file can't be read; an empty or missing one holds.
        """
        return audit_chain.check(self._lines(), head)

    def _lines(self) -> list[bytes]:
        """The lines as they stand. An unfinished last one may be somebody's who is writing: it gets a moment."""
        text = self._read()
        for _ in range(_LOOKS):
            if not text or text.endswith(b"\n"):
                break
            time.sleep(_MOMENT)
            text = self._read()
        return text.splitlines(keepends=True)

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise AuditError(f"The audit log {self.path} can't be read: {error.strerror or error}.") from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Held by one writer at a time; the system lets go of it when its holder dies."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=self.wait)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise AuditError(
                f"Somebody else has been writing to the audit log {self.path} for more than {self.wait:g} s. "
                "Nothing was written; try again."
            ) from None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _opened(self, mode: str) -> Iterator[Any]:
        try:
            if not self.path.exists():
                self.path.touch()
                _sync_folder(self.path.parent)
            with self.path.open(mode) as file:
                yield file
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> AuditError:
        return AuditError(f"The audit log {self.path} can't be written: {error.strerror or error}.")

    def _last(self, file: Any) -> tuple[Entry | None, bytes]:
        """The last entry (None: there is none), and what stands unfinished after it; the file is read from its end."""
        size = file.seek(0, os.SEEK_END)
        tail, start = b"", size
        while start > 0 and tail.rstrip(b"\n").count(b"\n") < 2:  # two lines: the last may be torn
            start = max(0, start - _BLOCK)
            file.seek(start)
            tail = file.read(size - start)
        lines = tail.splitlines(keepends=True)
        if not lines:
            return None, b""
        torn = b""
        if not lines[-1].endswith(b"\n") and audit_chain.parse(lines[-1]) is None:
            torn = lines.pop()
        if not lines:
            return None, torn
        entry = audit_chain.parse(lines[-1])
        if entry is None or digest(vars(entry)) != entry.hash:
            raise AuditError(
                f"The last entry of the audit log {self.path} is not what was written: {self.verify().reason} "
                "Nothing was added. Find out who changed it, and put a copy back or begin a new log beside it."
            )
        return entry, torn

    def _write(self, file: Any, entry: Entry, back: int = 0) -> Entry:
        """Put the entry at the end of the file (``back`` bytes from it), and on the disk before this returns."""
        text = audit_chain.line(entry)
        if file.seek(0, os.SEEK_END) and not back:
            file.seek(-1, os.SEEK_END)
            text = text if file.read(1) == b"\n" else b"\n" + text  # an editor took the last line's end away
        file.seek(back, os.SEEK_END)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        return entry


def _sync_folder(folder: Path) -> None:
    """The new file's name on the disk as well; Windows does that by itself and refuses to be asked."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
