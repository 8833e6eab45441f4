"""Files that are whole or not there: how the pipeline's steps write, hash, lock and tidy.

A write goes to ``.<name>.<random>.part`` beside the target, and takes the target's name in one move (os.replace),
which every system does at once or not at all. A killed process leaves the part, never half a target; the next run
sweeps it. A power cut may still lose what the disk had not written: that is why the hash in the manifest is checked
before a file counts as done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from course_lib.errors import CourseError
from course_lib.taxi.pipeline_types import File

if TYPE_CHECKING:
    import pandas as pd

#: Seconds that a step waits for another process which is still at work on the same month.
PATIENCE = 300.0


class Busy(CourseError):
    """Another process is at work in the same folder."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; it becomes ``path`` when the block ends well, and nothing is left when it doesn't."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def described(path: Path) -> File:
    """The file with its hash and size, as they are now."""
    return File(path, sha256(path), path.stat().st_size)


def sha256(path: Path) -> str:
    """The file's SHA-256, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(file: File) -> bool:
    """Whether the file is there with the size and the hash that it had."""
    try:
        return file.path.stat().st_size == file.bytes and sha256(file.path) == file.sha256
    except OSError:
        return False


def copy(source: Path, target: Path) -> File:
    """A copy of ``source``'s bytes at ``target``."""
    with replacing(target) as part:
        shutil.copyfile(source, part)
        written = described(part)
    return File(target, written.sha256, written.bytes)


def write_bytes(content: bytes, target: Path) -> File:
    """``content`` at ``target``."""
    with replacing(target) as part:
        part.write_bytes(content)
    return File(target, hashlib.sha256(content).hexdigest(), len(content))


def write_json(value: Any, target: Path) -> File:
    """``value`` as readable JSON at ``target``."""
    return write_bytes((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(), target)


def write_frame(frame: pd.DataFrame, target: Path) -> File:
    """A table as parquet at ``target``, without its index; the same rows give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    with replacing(target) as part:
        pq.write_table(table, part, compression="zstd", row_group_size=1 << 20)
        written = described(part)
    return File(target, written.sha256, written.bytes)


def sweep(folder: Path) -> list[str]:
    """Remove the parts that killed processes left in ``folder``; their names."""
    swept = []
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            part.unlink()
            swept.append(part.name)
    return swept


@contextlib.contextmanager
def alone(lock: Path, wait: float = PATIENCE, what: Callable[[], str] | None = None) -> Iterator[None]:
    """Hold the file ``lock`` meanwhile; the system lets go of it when a process dies, however it dies.

    Raises Busy, saying ``what`` (default: which folder is in use), after ``wait`` seconds.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=wait):
            yield
    except Timeout:
        message = what() if what else f"Another process has been at work in {lock.parent} for more than {wait:g} s."
        raise Busy(message) from None
