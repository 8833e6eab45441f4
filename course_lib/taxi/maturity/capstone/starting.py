"""The starter: where it lies, and a copy of it in the student's own folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from course_lib import paths
from course_lib.errors import CourseError, UsageError

MODULE = "07_maturity"


def starter(root: Path | None = None) -> Path:
    """The folder with the starter's files. Raises CourseError where this is no checkout of the course."""
    root = root or paths.project_root()
    places = [root / "modules" / MODULE / "capstone", root / "solutions" / MODULE / "capstone" / "starter"]
    for place in places:
        if (place / "TASK.md").is_file():
            return place
    raise CourseError(f"There is no {places[0].relative_to(root).as_posix()} in {root}: is this a whole checkout?")


def start(folder: str | os.PathLike[str], *, root: Path | None = None) -> Path:
    """Copy the starter into ``folder``, which is made or must be empty, and return it. Raises UsageError."""
    source, target = starter(root), Path(folder).expanduser()
    try:
        if target.exists() and not target.is_dir():
            raise UsageError(f"{target} is a file; name a folder for the capstone.")
        if target.is_dir() and any(target.iterdir()):
            raise UsageError(f"{target} is not empty: nothing was copied. Name a folder that is new or empty.")
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(path for path in source.iterdir() if path.is_file() and not _is_beside(path)):
            shutil.copyfile(file, target / file.name)
    except OSError as error:
        raise CourseError(f"The starter can't be copied to {target}: {error.strerror or error}.") from error
    return target


def _is_beside(path: Path) -> bool:
    """Not the starter's own: hidden, or kept there when the release was brought up to date."""
    return path.name.startswith(".") or paths.is_litter(path.relative_to(path.parent))
