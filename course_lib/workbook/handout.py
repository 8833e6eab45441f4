"""Bring a student's copy of the course up to date, and keep every file that the student worked in.

The copy is a Git clone of what ``course publish`` made. For each file three versions are held against each other:
as last handed out, as published now, and as it lies there. What the student never touched becomes the new one.
Where both changed, answers move into the new notebook (see `handout_merge`), and what cannot be moved stays, with
the new file beside it. Git's own merging is not used: it works on lines, and half a notebook is none.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from course_lib.errors import CourseError, UsageError
from course_lib.workbook import handout_clone as clone
from course_lib.workbook.files import write_bytes
from course_lib.workbook.handout_merge import CannotMerge, merged, worked_in
from course_lib.workbook.publish import git


@dataclass
class HandOut:
    """What an update did, as paths below the copy. ``saved`` maps a file to the copy of what it was before.

    ``merged``: the student's answers moved into the new notebook. ``beside``: the student's file stayed; the new one
    has the name given. ``renewed``: never touched, or only run.
    """

    commit: str
    first: bool = False
    renewed: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)
    saved: dict[str, str] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        """Whether any file is different now."""
        return bool(self.first or self.renewed or self.merged or self.beside)


def hand_out(folder: Path, repository: str | None = None, *, now: datetime | None = None) -> HandOut:
    """Clone the published course into ``folder``, or bring the clone there up to date.

    ``repository`` is needed the first time; later it replaces the address that the clone has. Stopped halfway, the
    next call does the rest. Raises CourseError (Git's words) and leaves the copy as it was when the repository can't
    be had, UsageError for a folder that is no copy of the course.
    """
    if (folder / "solutions").is_dir():
        raise UsageError(f"{folder} is an author's checkout, not a student's copy: bring it up to date with git pull")
    clone.start(folder, repository)
    with clone.alone(folder):
        clone.fetch(folder)
        done = HandOut(git(folder, "rev-parse", clone.NEW))
        _renew(folder, done, now or datetime.now())
    return done


def _renew(folder: Path, done: HandOut, now: datetime) -> None:
    old = clone.last_handed_out(folder)
    done.first = old is None
    before, after = clone.files(folder, old), clone.files(folder, done.commit)
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    if done.first and not any(os.path.lexists(folder / name) for name in names):
        # the first time, Git lays all files down at once
        git(folder, "read-tree", done.commit)
        git(folder, "checkout-index", "-a", "-q")
        names, done.renewed = [], names
    update = _Update(folder, done, now)
    for name in names:
        update.file(name, before.get(name), after.get(name))
    # The student's own branch is left alone where they made commits: it is theirs.
    if clone.commit(folder, "HEAD") == old:
        git(folder, "update-ref", "HEAD", done.commit)
        git(folder, "read-tree", done.commit)
    git(folder, "update-ref", clone.HANDED_OUT, done.commit)


class _Update:
    def __init__(self, folder: Path, done: HandOut, now: datetime) -> None:
        self.folder, self.done, self.now = folder, done, now

    def file(self, name: str, before: str | None, after: str | None) -> None:
        """One file, by the ids of its content as handed out and as published (None where it is not there)."""
        path = self.folder / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            return self._aside(name, after)
        mine = path.read_bytes() if path.exists() else None
        old, new = self._content(before), self._content(after)
        if mine == new:
            return None
        if mine == old or mine is None:
            # a file that the student threw away comes back when it has changed, as it would in a fresh copy
            self.done.renewed.append(name)
            return self._write(path, new)
        if new is None:
            return None  # withdrawn by the authors, worked in by the student: it stays
        if not worked_in(name, mine):
            self._save(name, mine)
            self.done.renewed.append(name)
            return self._write(path, new)
        try:
            text = merged(name, old or b"", mine, new)
        except CannotMerge:
            return self._aside(name, after)
        self._save(name, mine)
        self.done.merged.append(name)
        return self._write(path, text)

    def _aside(self, name: str, after: str | None) -> None:
        new = self._content(after)
        if new is None:
            return
        path = self._free(name, f".new-{self.now:%Y-%m-%d}", new)
        self._write(path, new)
        self.done.beside[name] = path.relative_to(self.folder).as_posix()

    def _save(self, name: str, mine: bytes) -> None:
        path = self._free(name, f".{self.now:%Y%m%d-%H%M%S}.bak", mine, last=True)
        self._write(path, mine)
        self.done.saved[name] = path.relative_to(self.folder).as_posix()

    def _free(self, name: str, mark: str, content: bytes, *, last: bool = False) -> Path:
        """A name beside the file's that nothing has, or that has this very content."""
        path, count = self.folder / name, 1
        while True:
            extra = mark if count == 1 else f"{mark}-{count}"
            free = path.with_name(f"{path.name}{extra}" if last else f"{path.stem}{extra}{path.suffix}")
            if not free.exists() or (free.is_file() and free.read_bytes() == content):
                return free
            count += 1

    def _write(self, path: Path, content: bytes | None) -> None:
        if content is None:
            path.unlink(missing_ok=True)
        else:
            write_bytes(path, content)

    def _content(self, blob: str | None) -> bytes | None:
        if blob is None:
            return None
        command = ["git", "-C", str(self.folder), "cat-file", "blob", blob]
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            raise CourseError(f"`git cat-file` failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
