"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from course_lib.errors import CourseError


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 file with ``\\n`` line ends. Errors as `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write beside the target under a name of its own, then move it over the target; make missing folders.

    Raises CourseError when the folder or the disk refuses; what was there before is then unchanged, and nothing
    half-written stays.
    """
    path = Path(path)
    half = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes files that only their owner may read
        os.chmod(half, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(half, path)
    except OSError as error:
        raise CourseError(
            f"cannot write {path}: {error.strerror or error}. What was there before is unchanged."
        ) from error
    finally:
        if half:
            with suppress(OSError):
                os.unlink(half)
