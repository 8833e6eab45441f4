"""One month in one parquet file: reading it with a clear word on what is wrong, writing it whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from course_lib.errors import CourseError

#: What parquet files begin and end with.
MAGIC = b"PAR1"
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_REPLACE = "Delete it and fetch the month again."


class BrokenFile(CourseError):
    """A file that should hold a month of trips is no readable parquet file; says what it is instead."""


class NoRoom(CourseError):
    """The disk is full; nothing half-written is left."""


class Unwritable(CourseError):
    """A file can't be written: no permission, a read-only disk, or another process holds it."""


def name_of(month: str) -> str:
    """The TLC's file name for a month of green-taxi trips."""
    return f"green_tripdata_{month}.parquet"


def check_is_parquet(path: Path) -> None:
    """Raise BrokenFile, saying what the file seems to be, unless it begins and ends as parquet does."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(max(size - 4, 0))
        tail = file.read(4)
    if size == 0:
        raise BrokenFile(f"{path} is empty (0 bytes). {_REPLACE}")
    if not head.startswith(MAGIC):
        raise BrokenFile(f"{path} is not a parquet file: {looks_like(head)}. {_REPLACE}")
    if tail != MAGIC:
        raise BrokenFile(f"{path} is a truncated parquet file: its end is missing after {size:,} bytes. {_REPLACE}")


def looks_like(head: bytes) -> str:
    """What a file that is no parquet seems to be, from its first bytes."""
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "it is an HTML page, probably an error page that a download saved"
    if start.startswith(b"<?xml"):
        return "it is an XML document, probably an error that a download saved"
    if head.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        return "it is a compressed archive; unpack it first"
    line = head.split(b"\n", 1)[0]
    if b"," in line and line.isascii() and line.strip(b"\r").decode("ascii").isprintable():
        return "it looks like a CSV file"
    return "it does not begin with the letters PAR1"


def read(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The trips in a parquet file, as stored; ``columns`` reads only those of them that are there.

    Raises BrokenFile for what is no readable parquet file, and CourseError if the file can't be opened.
    """
    try:
        check_is_parquet(path)
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            wanted = None if columns is None else [c for c in columns if c in there]
            return file.read(columns=wanted).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, PermissionError | IsADirectoryError):
            raise CourseError(f"{path} can't be read: {error.strerror}.") from error
        raise BrokenFile(f"{path} is a damaged parquet file ({_first_line(error)}). {_REPLACE}") from error


def column_names(path: Path) -> list[str]:
    """The columns of a parquet file, from its footer. Raises BrokenFile like :func:`read`."""
    return footer(path).schema.to_arrow_schema().names


def footer(path: Path) -> pq.FileMetaData:
    """The footer of a parquet file: rows, columns, types. Raises BrokenFile like :func:`read`."""
    check_is_parquet(path)
    try:
        return pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise BrokenFile(f"{path} is a damaged parquet file ({_first_line(error)}). {_REPLACE}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


@contextlib.contextmanager
def whole_or_nothing(path: Path) -> Iterator[Path]:
    """Give a path to write to beside ``path``; move it there when all went well, else leave nothing.

    Whoever reads ``path`` meanwhile sees the old file or the new one and never a part. Raises NoRoom when
    the disk fills up and Unwritable when the folder refuses.
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise unwritten(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def unwritten(path: Path, error: OSError) -> CourseError:
    """What to tell people about a file that couldn't be written."""
    advice = "or move the data folder with COURSE_DATA_DIR, and try again."
    if error.errno in _DISK_FULL:
        return NoRoom(
            f"There is no room left on the disk for {path}. Nothing half-written was kept: free some space, {advice}"
        )
    reason = error.strerror or str(error)
    return Unwritable(f"{path} can't be written ({reason}). Allow writing there, {advice}")


def write(table: pa.Table, path: Path) -> Path:
    """Write a table to ``path`` as parquet, whole or not at all. Raises NoRoom or Unwritable."""
    with whole_or_nothing(path) as part:
        pq.write_table(table, part, compression="zstd", row_group_size=1 << 20)
    return path
