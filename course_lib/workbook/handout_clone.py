"""The Git side of a student's copy: what was handed out last, what is published now, and one update at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_lib.errors import CourseError, UsageError
from course_lib.workbook.publish import BRANCH, git

HANDED_OUT, NEW = "refs/course/handed-out", "refs/course/new"
_PATIENCE = 60  # seconds


def start(folder: Path, repository: str | None) -> None:
    """Make sure that ``folder`` is a clone, of ``repository`` if one is named. Raises UsageError where neither is."""
    if not (folder / ".git").exists():
        if not repository:
            raise UsageError(
                f"{folder} is no copy of the course yet. Say where it is published: course update --from …"
            )
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "-q", "--initial-branch", BRANCH)
    if repository:
        git(folder, "config", "remote.origin.url", repository)


def fetch(folder: Path) -> None:
    """Get what is published now, as `NEW`. Raises CourseError with Git's own words."""
    with _trusting(git(folder, "config", "remote.origin.url")) as env:
        wanted = f"+{BRANCH}:{NEW}"
        git(folder, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "origin", wanted, env=env)


@contextmanager
def _trusting(repository: str) -> Iterator[dict[str, str]]:
    """Git refuses a repository on this machine that another user owns, as the instructor's is, unless told to.

    It is told for this one repository, in a file, because the part of Git that reads it heeds nothing else.
    """
    place = Path(repository.removeprefix("file://"))
    usual = Path(os.environ.get("GIT_CONFIG_GLOBAL") or Path.home() / ".gitconfig")
    lines = ["[include]", f"\tpath = {_quoted(str(usual))}"]
    lines += ["[safe]", f"\tdirectory = {_quoted(str(place.resolve()))}"] if place.exists() else []
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "config"
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield {"GIT_CONFIG_GLOBAL": str(config)}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def last_handed_out(folder: Path) -> str | None:
    """What was handed out last; in a clone that somebody made by hand, the newest published commit in it."""
    if known := commit(folder, HANDED_OUT):
        return known
    try:
        return git(folder, "merge-base", "HEAD", NEW)
    except CourseError:
        return None


def commit(folder: Path, name: str) -> str | None:
    try:
        return git(folder, "rev-parse", "--verify", "-q", name)
    except CourseError:
        return None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One update at a time: a second server of the same student waits for the first."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / ".git" / "course-update.lock", timeout=_PATIENCE):
            yield
    except Timeout as error:
        raise CourseError(f"another update of {folder} has been running for {_PATIENCE} s") from error


def files(folder: Path, commit: str | None) -> dict[str, str]:
    """The files of a commit: their content's id by path. Links and submodules are not handed out."""
    if commit is None:
        return {}
    found = {}
    for entry in git(folder, "ls-tree", "-r", "-z", "--full-tree", commit).split("\0"):
        if entry:
            facts, name = entry.split("\t", 1)
            mode, kind, blob = facts.split()
            if kind == "blob" and mode.startswith("100"):
                found[name] = blob
    return found
