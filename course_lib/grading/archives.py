"""Look into a zip without unpacking it: nothing is ever written, and nothing in it is believed."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from course_lib.grading.studentfile import MAX_FILE

MAX_ENTRIES = 500
MAX_TOTAL = 2 * MAX_FILE
_SUSPICIOUS_RATIO = 200
_SUSPICIOUS_SIZE = 20 << 20


class BadArchive(Exception):
    """The file is no zip that could be read."""


@dataclass
class Archive:
    """The files of a zip by name, and what was wrong with those left out."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_zip(path: Path, wanted: tuple[str, ...] = (".ipynb", "manifest.json")) -> Archive:
    """The wanted files of a zip, by their names inside. Raises BadArchive."""
    archive = Archive()
    try:
        with open(path, "rb", opener=_plain_file) as file, zipfile.ZipFile(file) as opened:
            entries = [e for e in opened.infolist() if not e.is_dir()]
            if len(entries) > MAX_ENTRIES:
                raise BadArchive(f"the zip holds {len(entries):,} files; no more than {MAX_ENTRIES} are read")
            left = MAX_TOTAL
            for entry in entries:
                if not entry.filename.endswith(wanted) or _is_litter(entry.filename):
                    continue
                if problem := _problem(entry):
                    archive.problems.append(problem)
                    continue
                content = _read(opened, entry, min(MAX_FILE, left), archive)
                if content is not None:
                    left -= len(content)
                    archive.files[entry.filename] = content
    except (zipfile.BadZipFile, OSError, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise BadArchive(f"the zip cannot be read ({error})") from error
    return archive


def _plain_file(path: str, flags: int) -> int:
    """Open a file that may be changed while we look, and so become a link or a pipe. Raises OSError for both."""
    handle = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("it is no plain file")
    return handle


def _problem(entry: zipfile.ZipInfo) -> str | None:
    name = entry.filename
    shown = ascii(name[:80])
    if name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
        return f"the zip names a file outside itself, {shown}; that file was left out"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return f"{shown} in the zip is a link; links are not followed"
    if entry.flag_bits & 1:
        return f"{shown} in the zip is locked by a password"
    if entry.file_size > MAX_FILE:
        return f"{shown} in the zip would unpack to {entry.file_size >> 20:,} MB; it was left out"
    if entry.file_size > _SUSPICIOUS_SIZE and entry.file_size > _SUSPICIOUS_RATIO * max(1, entry.compress_size):
        return f"{shown} is a zip bomb ({entry.compress_size:,} bytes that unpack to {entry.file_size >> 20:,} MB)"
    return None


def _read(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, archive: Archive) -> bytes | None:
    """The content, never more than the limit, whatever size the zip claims."""
    with opened.open(entry) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        archive.problems.append(f"{entry.filename[:80]!a} in the zip is larger than it says; it was left out")
        return None
    return content


def _is_litter(name: str) -> bool:
    """What operating systems and Jupyter leave in folders."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or ".ipynb_checkpoints" in parts or PurePosixPath(name).name.startswith("._")
