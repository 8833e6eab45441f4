"""Months of green-taxi trips from the TLC's public files.

A download goes to ``<name>.part`` and can be resumed after an interruption. Only a complete parquet file
with the trips' columns and that month's pickups takes the final name: an error page never does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from filelock import FileLock

from course_lib.errors import CourseError
from course_lib.taxi import monthfile, months
from course_lib.taxi.months import MonthNotFound
from course_lib.taxi.tlc_checks import NotTrips, WrongChecksum, check_content, check_sum

if TYPE_CHECKING:
    from tqdm import tqdm

#: Where the TLC's public trip files lie; the variable TAXI_TLC_URL or an argument moves it (a mirror, a test).
PUBLIC_FILES = "https://d37ci6vzurychx.cloudfront.net/trip-data"
#: The first month with a file, and how many months the TLC takes to publish one.
FIRST, DELAY = "2014-01", 2

_TIMEOUT = (10, 60)  # seconds to connect, and between two pieces
_PIECE = 1 << 13  # bytes; a break loses at most one piece
_INSTEAD = "Simulated months need no network: use the source 'simulated' (TAXI_DATA=simulated)."


class NotPublished(MonthNotFound):
    """The TLC has no file for this month."""


class NoNetwork(CourseError):
    """The TLC's server can't be reached."""


class ServerFailed(CourseError):
    """The server was reached and could not deliver."""


class Truncated(CourseError):
    """The download broke off; what came is kept, and the next attempt goes on from there."""


def published(today: date | None = None) -> list[str]:
    """The months that should be there by ``today``."""
    now = today or datetime.now(UTC).date()
    count = now.year * 12 + now.month - 1 - DELAY
    return months.months(FIRST, f"{count // 12:04d}-{count % 12 + 1:02d}")


def download(
    month: str,
    folder: Path,
    *,
    base: str | None = None,
    sha256: str | None = None,
    progress: bool = False,
    attempts: int = 3,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Download a month into ``folder`` and return the file's path.

    ``base`` is the address of the folder with the files (default: the variable TAXI_TLC_URL, else the
    TLC's). ``sha256`` is the checksum that the file must have; without it, the one that the server sends (if
    it sends one) counts. Interrupted downloads are resumed, up to ``attempts`` times, and again at the next
    call. ``wait`` is called with the seconds to wait between attempts.

    Raises NotPublished, NoNetwork, ServerFailed, Truncated, NotTrips, WrongChecksum, NoRoom or Unwritable;
    the final name is taken by a complete and checked file or not at all.
    """
    name = monthfile.name_of(str(months.parse(month)))
    address = f"{(base or os.environ.get('TAXI_TLC_URL') or PUBLIC_FILES).rstrip('/')}/{name}"
    final, part = folder / name, _Part(folder / f"{name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):  # two processes want the same month: the second finds it there
            if not final.is_file():
                promised = _fetch(address, month, part, progress, attempts, wait)
                check_sum(part.path, sha256, promised, address)
                check_content(part.path, month, address)
                part.path.replace(final)
                part.remove()
    except (NotTrips, WrongChecksum):
        part.remove()
        raise
    except OSError as error:
        problem = monthfile.unwritten(final, error)
        if isinstance(problem, monthfile.NoRoom):
            part.remove()  # a part could be resumed, but what is missing is room
        raise problem from error
    return final


@dataclass(frozen=True)
class _Part:
    """A download that is under way, and the version (ETag) of the file that its bytes belong to."""

    path: Path

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.version")

    def size_and_version(self) -> tuple[int, str]:
        """Bytes that are there, of which version; 0 when it isn't known what they belong to."""
        if not (self.path.is_file() and self._note.is_file()):
            return 0, ""
        return self.path.stat().st_size, self._note.read_text(encoding="utf-8")

    def begin(self, version: str) -> None:
        """Forget what was there."""
        self.path.write_bytes(b"")
        self._note.unlink(missing_ok=True)
        if version and not version.startswith("W/"):  # a weak version doesn't promise the same bytes
            self._note.write_text(version, encoding="utf-8")

    def remove(self) -> None:
        """Leave nothing."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _fetch(
    address: str, month: str, part: _Part, progress: bool, attempts: int, wait: Callable[[float], None]
) -> str | None:
    """Get all bytes into the part, resuming as often as allowed; the MD5 that the server promised, if any."""
    for attempt in range(attempts):
        try:
            return _go_on(address, month, part, progress)
        except (Truncated, ServerFailed):
            if attempt == attempts - 1:
                raise
            wait(2.0**attempt)
    raise AssertionError("attempts must be at least 1")


def _go_on(address: str, month: str, part: _Part, progress: bool) -> str | None:
    there, version = part.size_and_version()
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": version}
    try:
        with requests.get(address, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            if answer.status_code == 416:  # nothing after what is there: it may be complete, or of no use
                if answer.headers.get("Content-Range") != f"bytes */{there}":
                    part.remove()
                    raise Truncated(f"{address}: what was there could not be resumed.")
                return None
            _check_status(answer, address, month)
            return _receive(answer, address, part, there, progress)
    except requests.exceptions.ChunkedEncodingError as error:
        raise _broke_off(address, part) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        if part.size_and_version()[0] > there:  # it began, so there is a network
            raise _broke_off(address, part) from error
        raise NoNetwork(f"{address} can't be reached: is there a network? {_INSTEAD}") from error
    except requests.RequestException as error:
        raise ServerFailed(f"{address} can't be asked for: {error}. {_INSTEAD}") from error


def _check_status(answer: requests.Response, address: str, month: str) -> None:
    status = answer.status_code
    if status in (403, 404, 410):  # the TLC's server says 403 of files that don't exist
        raise NotPublished(
            f"The TLC has no file for {month} ({address} answers {status}). A month is published about {DELAY} "
            f"months after its end; there should be {FIRST} to {published()[-1]}."
        )
    if status not in (200, 206):
        raise ServerFailed(f"{address} answers {status} {answer.reason}. Try again later. {_INSTEAD}")


def _receive(answer: requests.Response, address: str, part: _Part, there: int, progress: bool) -> str | None:
    """Write the answer's body to the part and check that it is whole."""
    length = answer.headers.get("Content-Length")
    if answer.status_code == 206:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
            part.remove()
            raise Truncated(f"{address}: the server resumed at the wrong place; what was there was thrown away.")
    else:
        there = 0
        part.begin(answer.headers.get("ETag", ""))
    whole = there + int(length) if length is not None else None
    with part.path.open("ab") as file, _bar(address, whole, there, progress) as bar:
        for piece in answer.iter_content(_PIECE):
            if file.tell() == 0 and not piece.startswith(monthfile.MAGIC[: len(piece)]):
                raise NotTrips(
                    f"{address} sent no month of trips: {monthfile.looks_like(piece[:512])}. Nothing was saved. "
                    "A network that asks for a login answers like this; so does a wrong address."
                )
            file.write(piece)
            bar.update(len(piece))
    if whole is not None and part.path.stat().st_size != whole:
        raise _broke_off(address, part)
    return answer.headers.get("Content-MD5")


def _broke_off(address: str, part: _Part) -> Truncated:
    size, version = part.path.stat().st_size if part.path.is_file() else 0, part.size_and_version()[1]
    kept = "What came is kept: ask again to go on from there." if version else "Ask again to start anew."
    return Truncated(f"The download of {address} broke off after {size:,} bytes. {kept}")


def _bar(address: str, whole: int | None, there: int, progress: bool) -> tqdm:
    from tqdm import tqdm  # only people who watch a terminal pay for it

    return tqdm(
        desc=address.rsplit("/", 1)[-1],
        total=whole,
        initial=there,
        unit="B",
        unit_scale=True,
        leave=False,
        disable=None if progress else True,
    )
