"""Put built files where students find them, without ever losing a student's work.

In ``modules/`` lie notebooks that people also work in. One that is, cell for cell, some build of ours may be
replaced; one that holds work, or outputs, stays as it is while the exercise is still the same. Work on another
release is replaced only by force, after a copy was made.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.workbook import pristine
from course_lib.workbook.compare import has_outputs, read_if_there
from course_lib.workbook.files import write_bytes
from course_lib.workbook.notebook_io import read_notebook

UNCHANGED, WRITTEN, KEPT, REFUSED, REMOVED = "unchanged", "written", "kept", "refused", "removed"

_EXECUTED = "was executed, and is otherwise this release"


@dataclass(frozen=True)
class Installed:
    """What became of one file; ``note`` says more where that isn't obvious."""

    path: Path
    status: str
    note: str = ""


def install(
    folder: Path, files: Mapping[str, bytes], *, leave: Collection[str] = (), force: bool = False
) -> list[Installed]:
    """Write a release's files (content by relative name) into its folder, and remove our notebooks it no longer has.

    Statuses: ``unchanged``; ``written``; ``kept``, holds work or outputs on this very release; ``refused``, holds
    work on another release; ``removed``. With ``force`` nothing is kept or refused: work is copied to ``*.bak``
    first. Files named in ``leave`` stay as they are.
    """
    results = [_install_one(folder / name, content, force) for name, content in files.items() if name not in leave]
    return results + [_remove(path) for path in leftovers(folder, files)]


def leftovers(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Untouched notebooks of an earlier build that the release no longer has."""
    old = [path for path in sorted(folder.glob("*.ipynb")) if path.name not in files]
    return [path for path in old if (notebook := read_if_there(path)) is not None and pristine.is_untouched(notebook)]


def _install_one(path: Path, content: bytes, force: bool) -> Installed:
    if not path.exists():
        write_bytes(path, content)
        return Installed(path, WRITTEN)
    if path.read_bytes().replace(b"\r\n", b"\n") == content.replace(b"\r\n", b"\n"):
        return Installed(path, UNCHANGED)
    verdict, note = _judge(path, content)
    if verdict != WRITTEN and not force:
        return Installed(path, verdict, note)
    copy = keep_copy(path) if verdict != WRITTEN and note != _EXECUTED else None
    write_bytes(path, content)
    return Installed(path, WRITTEN, f"what was there is now {copy.name}" if copy else "")


def _judge(path: Path, content: bytes) -> tuple[str, str]:
    """What to do with a file that differs from the build, unless somebody insists; and why."""
    if path.suffix != ".ipynb":
        return REFUSED, "differs from the build, and may hold somebody's work"
    import nbformat

    new = nbformat.reads(content.decode(), as_version=4)
    try:
        old = read_notebook(path)
    except CourseError as error:
        return REFUSED, str(error)
    entry = old.metadata.get(pristine.KEY)
    same_release = isinstance(entry, dict) and entry.get("digest") == new.metadata[pristine.KEY]["digest"]
    if pristine.is_untouched(old):
        return (KEPT, _EXECUTED) if same_release and has_outputs(old) else (WRITTEN, "")
    if same_release:
        return KEPT, "holds somebody's work on this release"
    return REFUSED, "holds somebody's work on an earlier release"


def keep_copy(path: Path) -> Path:
    """Copy a file beside itself under a free name; returns the copy's path."""
    names = itertools.chain([f"{path.name}.bak"], (f"{path.name}.{number}.bak" for number in itertools.count(2)))
    copy = next(candidate for name in names if not (candidate := path.with_name(name)).exists())
    write_bytes(copy, path.read_bytes())
    return copy


def _remove(path: Path) -> Installed:
    path.unlink()
    return Installed(path, REMOVED)
