"""The site of this checkout, built once for everybody, by the command that people type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from course_lib.paths import project_root


@dataclass(frozen=True)
class Site:
    """The built site: its folder, and what the command said of it."""

    folder: Path
    report: dict

    @property
    def pages(self) -> list[str]:
        """All pages by their names, such as 01_intro/lesson.html."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*.html"))
        return sorted(path.as_posix() for path in found if path.parts[0] != "_static")


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Site:
    """Read it, don't change it: workers that run side by side share one."""
    top = tmp_path_factory.getbasetemp()
    top = top.parent if "PYTEST_XDIST_WORKER" in os.environ else top
    folder, told = top / "reading" / "site", top / "reading.json"
    with FileLock(top / "reading.lock"):
        if not told.is_file():
            command = [sys.executable, "-m", "course_lib", "site", "--json", "--folder", str(folder)]
            done = subprocess.run(command, cwd=project_root(), capture_output=True, text=True, encoding="utf-8")
            assert done.returncode == 0, done.stderr
            told.write_text(done.stdout, encoding="utf-8")
    return Site(folder, json.loads(told.read_text(encoding="utf-8")))
