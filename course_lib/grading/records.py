"""What has been graded, as one JSON file for each student and module, written after the gradebook has it.

A record carries a key made of the submission, the tests and the environment: as long as none changes, there is
nothing to do. Grading can be stopped at any moment; what has no record with the right key is graded again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import sys
import sysconfig
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from course_lib.grading import outcome
from course_lib.grading.assignment import Assignment
from course_lib.grading.limits import Limits
from course_lib.grading.submissions import Submission

FORMAT = 1


class Records:
    """The records of a class under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, module: str, student: str) -> outcome.SubmissionResult | None:
        """What is known of one hand-in; None when there is no (readable) record."""
        try:
            return outcome.from_dict(json.loads(self._path(module, student).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, result: outcome.SubmissionResult) -> None:
        """Keep one result, whole or not at all."""
        path = self._path(result.module, result.student)
        write_whole(path, json.dumps(result.as_dict(), ensure_ascii=False, sort_keys=True) + "\n")

    def all(self, modules: Iterable[str]) -> Iterator[outcome.SubmissionResult]:
        """Everything recorded for these modules, by module and student."""
        for module in modules:
            results = []
            for path in (self.folder / module).glob("*.json"):
                try:
                    results.append(outcome.from_dict(json.loads(path.read_text(encoding="utf-8"))))
                except (OSError, ValueError, KeyError, TypeError):
                    continue
            yield from sorted(results, key=lambda result: result.student)

    def modes(self, key: str) -> dict[str, dict[str, str]] | None:
        """How tests are run, as decided for this key."""
        try:
            data = json.loads((self.folder / "modes.json").read_text(encoding="utf-8"))
            return data["modes"] if data["key"] == key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep_modes(self, key: str, modes: Mapping[str, Any]) -> None:
        write_whole(self.folder / "modes.json", json.dumps({"key": key, "modes": modes}, indent=1, sort_keys=True))

    def _path(self, module: str, student: str) -> Path:
        # a file system may not tell é from é, or Ann from ann
        name = quote(unicodedata.normalize("NFC", student), safe=" @()")
        capitals = "".join("1" if c.isupper() else "0" for c in student)
        suffix = f"~{int(capitals, 2):x}" if "1" in capitals else ""
        return self.folder / module / f"{name}{suffix}.json"


def grading_key(assignments: Iterable[Assignment], limits: Limits, *, sandboxed: bool) -> str:
    """A fingerprint of everything a grade depends on besides the submission."""
    parts = [FORMAT, [a.digest for a in assignments], limits.as_dict(), sandboxed, environment(), own_code()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def submission_key(submission: Submission, module_key: str) -> str:
    """The key of one hand-in's record."""
    return hashlib.sha256(f"{module_key}\n{submission.digest}".encode()).hexdigest()


@functools.cache
def environment() -> str:
    """A fingerprint of Python and every installed package, by the names of the folders that installers leave."""
    return hashlib.sha256(json.dumps([sys.version, platform.machine(), packages()]).encode()).hexdigest()


def packages() -> list[str]:
    """The names of the folders that installers leave, such as ``numpy-2.3.5.dist-info``."""
    # not sys.path: packages put private copies of others there once they are imported, as setuptools does
    folders = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    return sorted({path.name for folder in folders for path in folder.glob("*.dist-info")})


@functools.cache
def own_code() -> str:
    """A fingerprint of the course's own package: lessons import it, and it grades."""
    import course_lib

    digest = hashlib.sha256()
    root = Path(course_lib.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in ("cli", "workbook"):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)
