"""Pack what a student hands in: the notebooks of one module and a manifest, in one zip."""

from __future__ import annotations

import difflib
import getpass
import hashlib
import io
import json
import os
import platform
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError, UsageError
from course_lib.paths import project_root
from course_lib.student_id import BadStudentId, student_id
from course_lib.workbook import pristine
from course_lib.workbook.files import write_bytes
from course_lib.workbook.notebook_io import read_notebook

HANDED_IN = ("exercises", "quiz")
MANIFEST_FORMAT = 1
# A zip's clock begins in 1980; one fixed time makes the same notebooks the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass
class Packed:
    """What was packed: ``untouched`` maps a notebook to the answers that are still as they were released."""

    student: str
    module: str
    path: Path
    files: list[str]
    untouched: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def released_modules(root: Path) -> dict[str, Path]:
    """The folders in ``modules/`` that hold something to hand in, by name. Students have no other list."""
    folders = sorted((root / "modules").glob("*/"))
    return {f.name: f for f in folders if any((f / f"{name}.ipynb").is_file() for name in HANDED_IN)}


def choose_module(name: str | None, root: Path) -> Path:
    """The folder of the module named (``01_intro``, ``01`` or ``intro``), or the only one that was worked in.

    Raises UsageError where the name fits none, or where no name was given and several fit.
    """
    there = released_modules(root)
    if not there:
        raise UsageError(f"there is nothing to hand in below {root / 'modules'}")
    if name is None:
        worked = [module for module, folder in there.items() if _worked_in(folder)]
        if len(worked) == 1:
            return there[worked[0]]
        which = f"you worked in {', '.join(worked)}" if worked else "no answer was changed in any module"
        raise UsageError(f"which module? ({which}) For example: course submit {(worked or list(there))[0]}")
    short = Path(name).name
    fitting = [m for m in there if short and (m == short or m.startswith(f"{short.zfill(2)}_") or m[3:] == short)]
    if len(fitting) == 1:
        return there[fitting[0]]
    near = difflib.get_close_matches(short, there, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"there is no module “{name}”. {hint}Modules: {', '.join(there)}.")


def choose_student(given: str | None) -> str:
    """The id to hand in under: the one given, else ``COURSE_STUDENT``, else the name of the login.

    Raises UsageError for one that no gradebook could take, saying what is wrong with it.
    """
    name = given if given is not None else os.environ.get("COURSE_STUDENT") or _login()
    try:
        return student_id(name)
    except BadStudentId as error:
        raise UsageError(f"“{name}” can't be a student id: {error}. Type: course submit --student YOUR_ID") from error


def submit(
    module: str | None = None,
    *,
    student: str | None = None,
    to: Path | None = None,
    root: Path | None = None,
    now: datetime | None = None,
) -> Packed:
    """Pack a module's exercises and quiz into ``<to>/<student>-<module>.zip`` and say what it holds.

    Nothing is refused for being unfinished, since half an answer may earn points; a file that is no notebook
    is (CourseError), before anything is written. An earlier zip is replaced whole.
    """
    folder = choose_module(module, root or project_root())
    name = choose_student(student)
    there = [f"{stem}.ipynb" for stem in HANDED_IN if (folder / f"{stem}.ipynb").is_file()]
    packed = Packed(name, folder.name, (to or Path.cwd()) / f"{name}-{folder.name}.zip", there)
    packed.missing = [f"{stem}.ipynb" for stem in HANDED_IN if f"{stem}.ipynb" not in there]
    for file in there:
        if waiting := unanswered(folder / file):
            packed.untouched[file] = waiting
    contents = {file: (folder / file).read_bytes() for file in there}
    manifest = _manifest(name, folder.name, contents, now or datetime.now(UTC))
    write_bytes(packed.path, _zip({"manifest.json": manifest, **contents}))
    return packed


def unanswered(path: Path) -> list[str]:
    """The answers of a notebook that are still as they were released, by grade id.

    Raises CourseError (from `read_notebook`) for a file that is no notebook.
    """
    notebook = read_notebook(path)
    released = {cell["grade_id"]: cell for cell in pristine.read(notebook) or [] if cell["nbgrader"].get("solution")}
    now = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}
    return [grade_id for grade_id, cell in released.items() if now.get(grade_id, "").strip() == cell["source"].strip()]


def _worked_in(folder: Path) -> bool:
    for stem in HANDED_IN:
        path = folder / f"{stem}.ipynb"
        try:
            if path.is_file() and not pristine.is_untouched(read_notebook(path)):
                return True
        except CourseError:  # a broken notebook was worked in, too; packing it says what is wrong
            return True
    return False


def _manifest(student: str, module: str, contents: dict[str, bytes], now: datetime) -> bytes:
    manifest: dict[str, Any] = {
        "format": MANIFEST_FORMAT,
        "student": student,
        "module": module,
        "submitted": now.astimezone(UTC).isoformat(timespec="seconds"),
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest()} for name, content in contents.items()},
        "course": version("taxi-mlops-workbook"),
        "python": platform.python_version(),
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode()


def _zip(contents: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return target.getvalue()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no login name in this environment
        return ""
