"""Find out who handed in what, in a folder in any of four layouts, mixed if need be.

- nbgrader's: ``student/module/notebook.ipynb`` (with ``timestamp.txt``, if there is one);
- files named by student: ``alice.ipynb``, ``alice_exercises.ipynb``, ``alice-01_intro.zip``;
- zips that ``course submit`` makes, whose ``manifest.json`` names the student and the module;
- such zips in a folder of each student's own (``alice/alice-01_intro.zip``), where nobody else can write: then the
  folder says who it is, whatever a zip claims.

Nothing is unpacked and no link is followed. What cannot be given to a student is listed, with the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from course_lib.errors import UsageError
from course_lib.grading.archives import Archive, BadArchive, read_zip
from course_lib.grading.assignment import Assignment
from course_lib.grading.identity import nearest, read_file_name, recognise
from course_lib.grading.manifests import changed_since, moment, read_manifest
from course_lib.grading.studentfile import MAX_FILE
from course_lib.student_id import BadStudentId, student_id

_IGNORED = {".ipynb_checkpoints", "__pycache__", "__MACOSX"}


@dataclass
class HandedFile:
    """One notebook's file: its content or, when there is none to be had, what is wrong with it."""

    origin: str
    content: bytes = b""
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    rank: tuple[Any, ...] = ()


@dataclass
class Submission:
    """What one student handed in for one module: files by notebook."""

    student: str
    module: str
    files: dict[str, HandedFile] = field(default_factory=dict)
    timestamp: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Changes when anything handed in changes."""
        parts = [self.student, self.module, self.timestamp, self.notes]
        for name, file in sorted(self.files.items()):
            parts += [name, hashlib.sha256(file.content).hexdigest(), file.problem, file.notes]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Rejected:
    """A file or folder that could not be given to any student."""

    origin: str
    problem: str


@dataclass
class Found:
    """All of a folder, in the order of students' ids."""

    submissions: list[Submission]
    rejected: list[Rejected]


def find(folder: Path, assignments: Sequence[Assignment]) -> Found:
    """Everything handed in for these notebooks. Raises UsageError when the folder cannot be used."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}. --submissions names the folder with what students handed in.")
    finder = _Finder(folder.resolve(), assignments)
    for path in sorted(folder.resolve().iterdir()):
        if not path.name.startswith(".") and path.name not in _IGNORED:
            finder.entry(path)
    submissions = sorted(finder.found.values(), key=lambda s: (s.module, s.student))
    return Found(submissions, finder.rejected)


class _Finder:
    def __init__(self, folder: Path, assignments: Sequence[Assignment]) -> None:
        self.folder, self.assignments = folder, assignments
        self.modules = sorted({a.module for a in assignments})
        self.found: dict[tuple[str, str], Submission] = {}
        self.rejected: list[Rejected] = []

    def entry(self, path: Path) -> None:
        """One thing in the folder: a student's folder, a notebook or a zip."""
        if path.is_symlink():
            self._reject(path, "it is a link; links are not followed")
        elif path.is_dir():
            self._student_folder(path)
        elif path.suffix.lower() == ".zip":
            self._zip(path)
        elif path.suffix.lower() == ".ipynb":
            self._named_file(path)

    def _student_folder(self, path: Path) -> None:
        try:
            student = student_id(path.name)
        except BadStudentId as error:
            self._reject(path, f"{path.name!a} is no student id: {error}")
            return
        for packed in sorted(path.glob("*.zip")):
            if packed.is_symlink() or not packed.is_file():
                self._reject(packed, "it is a link; links are not followed" if packed.is_symlink() else "it is no file")
            else:
                self._zip(packed, owner=student)
        folders = [(module, path / module) for module in self.modules]
        if len(self.modules) == 1 and not folders[0][1].exists():
            folders = [(self.modules[0], path)]  # student/notebook.ipynb is clear when one module is graded
        for module, folder in folders:
            if folder.is_symlink():
                self._reject(folder, "it is a link; links are not followed")
            elif folder.is_dir() and (files := list(_notebooks(folder))):
                submission = self._submission(student, module)
                submission.timestamp = _timestamp(folder)
                for file in files:
                    self._add(submission, file.stem, self._read(file))

    def _named_file(self, path: Path) -> None:
        name = read_file_name(path.stem, self.assignments)
        file = self._read(path)
        known = recognise(file.content, self.assignments)
        module = (
            name.module or (known.module if known else None) or (self.modules[0] if len(self.modules) == 1 else None)
        )
        if module is None:
            self._reject(path, f"neither its name nor its content says for which of {', '.join(self.modules)} it is")
            return
        if (submission := self._for(path, name.student, module)) is not None:
            self._add(submission, name.notebook or (known.name if known else ""), file)

    def _zip(self, path: Path, owner: str | None = None) -> None:
        try:
            archive = read_zip(path)
        except BadArchive as error:
            archive = Archive({}, [str(error)])
        manifest = read_manifest(archive)
        name = read_file_name(path.stem, self.assignments)
        student = manifest.get("student") if isinstance(manifest.get("student"), str) else name.student
        members = [(PurePosixPath(n), content) for n, content in archive.files.items() if n.endswith(".ipynb")]
        module = self._module_of_zip(manifest, name.module, members)
        if module is None or module not in self.modules:
            if module is None:
                self._reject(path, f"nothing in it says for which of {', '.join(self.modules)} it is")
            return
        if (submission := self._for(path, owner or str(student), module)) is None:
            return
        if owner and manifest and manifest.get("student") != owner:
            claimed = str(manifest.get("student"))[:80]
            submission.notes.append(f"{path.name} says that it is from {claimed!a}; it lay in the folder of {owner}")
        packed = manifest.get("submitted") or manifest.get("created") or manifest.get("timestamp")
        submission.timestamp = moment(packed) or submission.timestamp
        submission.notes += archive.problems
        changed = changed_since(manifest, archive)
        for member, content in sorted(members, key=lambda pair: str(pair[0])):
            file = HandedFile(
                f"{path.relative_to(self.folder).as_posix()}/{member}",
                content,
                rank=(str(packed or ""), path.name, str(member)),
            )
            if str(member) in changed:
                file.notes.append(f"{member.name} was changed after `course submit` had packed it")
            self._add(submission, member.stem, file)
        if not members:
            why = "; ".join(archive.problems) or "there is no notebook in the zip"
            for assignment in self._of(module):
                self._add(submission, assignment.name, HandedFile(path.name, problem=why))

    def _module_of_zip(
        self, manifest: dict[str, Any], named: str | None, members: list[tuple[PurePosixPath, bytes]]
    ) -> str | None:
        if isinstance(manifest.get("module"), str):
            return manifest["module"]
        known = [recognise(content, self.assignments) for _, content in members]
        inside = next((a.module for a in known if a), None)
        return named or inside or self._only_module()

    def _only_module(self) -> str | None:
        return self.modules[0] if len(self.modules) == 1 else None

    def _for(self, path: Path, student: str, module: str) -> Submission | None:
        try:
            return self._submission(student_id(student), module)
        except BadStudentId as error:
            self._reject(path, f"{student[:80]!a} is no student id: {error}")
            return None

    def _submission(self, student: str, module: str) -> Submission:
        return self.found.setdefault((student, module), Submission(student, module))

    def _add(self, submission: Submission, stem: str, file: HandedFile) -> None:
        """Give a file to the notebook that it is, by its name or by what is in it; of two, the better one stays."""
        assignments = self._of(submission.module)
        exact = next((a for a in assignments if a.name == stem), None)
        assignment = exact or recognise(file.content, assignments) or nearest(stem, assignments)
        if assignment is None and len(assignments) == 1:
            assignment = assignments[0]
        if assignment is None or (not exact and recognise(file.content, self.assignments) not in (None, assignment)):
            if stem != "lesson":
                submission.notes.append(f"{file.origin} is none of this module's graded notebooks; it was left out")
            return
        if not exact and stem and not file.problem:
            file.notes.append(f"the file {file.origin} was taken for {assignment.name}.ipynb")
        file.rank = (not file.problem, exact is not None, *file.rank)
        other = submission.files.get(assignment.name)
        if other is None:
            submission.files[assignment.name] = file
            return
        better, worse = (file, other) if file.rank > other.rank else (other, file)
        better.notes.append(f"two files for {assignment.name}: {better.origin} was graded, {worse.origin} was not")
        submission.files[assignment.name] = better

    def _read(self, path: Path) -> HandedFile:
        origin = path.relative_to(self.folder).as_posix()
        if path.is_symlink():
            return HandedFile(origin, problem="it is a link; links are not followed", rank=(origin,))
        try:
            size, when = path.stat().st_size, path.stat().st_mtime
            if size > MAX_FILE:
                return HandedFile(origin, problem=f"it has {size >> 20} MB; no more than {MAX_FILE >> 20} are read")
            return HandedFile(origin, path.read_bytes(), rank=(when, origin))
        except OSError as error:
            return HandedFile(origin, problem=f"it cannot be read ({error.strerror})", rank=(0.0, origin))

    def _of(self, module: str) -> list[Assignment]:
        return [a for a in self.assignments if a.module == module]

    def _reject(self, path: Path, problem: str) -> None:
        self.rejected.append(Rejected(path.relative_to(self.folder).as_posix(), problem))


def _notebooks(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == ".ipynb" and not path.name.startswith(".") and (path.is_symlink() or path.is_file()):
            yield path


def _timestamp(folder: Path) -> str | None:
    file = folder / "timestamp.txt"
    try:
        return moment(file.read_text(encoding="utf-8").strip()) if file.is_file() and not file.is_symlink() else None
    except (OSError, UnicodeDecodeError):
        return None
