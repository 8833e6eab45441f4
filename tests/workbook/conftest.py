"""The small course as text, and the same once it is built (built once, then copied)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.workbook import small_course


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A small course's text, nothing built; commands find it, too."""
    root = small_course.write(tmp_path / "course")
    monkeypatch.setenv("COURSE_ROOT", str(root))
    return root


@pytest.fixture(scope="session")
def built_once(tmp_path_factory) -> Path:
    """A small course, built; read it, don't change it."""
    from course_lib.workbook.build import build

    root = small_course.write(tmp_path_factory.mktemp("built") / "course")
    report = build(root=root)
    assert report.problems == []
    return root


@pytest.fixture
def built(built_once, tmp_path, monkeypatch) -> Path:
    """A small course, built, of the test's own."""
    root = tmp_path / "course"
    shutil.copytree(built_once, root)
    monkeypatch.setenv("COURSE_ROOT", str(root))
    return root


@pytest.fixture
def command(monkeypatch, capsys):
    """Run ``course …`` in this process: gives the exit code, stdout and stderr."""
    from course_lib.cli import main

    # ordinary kernels: a warm template would outlive the test
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "local-provisioner")

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["course", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command
