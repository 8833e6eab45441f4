"""`course test` as a whole: what fails fails, and what failed by accident is looked at once more, and named."""

from __future__ import annotations

import os

import pytest

from course_lib.cli import suite

ACCIDENT = """
from pathlib import Path

def test_late():
    first = Path(__file__).with_name("been_here")
    begun = first.exists()
    first.touch()
    assert begun
"""
GOOD, BAD = "def test_good(): pass\n", "def test_bad(): assert False\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    return tmp_path


def run(project, **tests):
    for name, text in tests.items():
        (project / f"test_{name}.py").write_text(text, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # all of them take seconds to import
    return suite.run(["."], ["-p", "xdist", "-n", "2"], project, environment)


def test_all_good(project, capsys):
    assert run(project, one=GOOD) == 0
    assert "second" not in capsys.readouterr().err


def test_an_accident_is_looked_at_again_and_named(project, capsys):
    assert run(project, one=GOOD, two=ACCIDENT) == 0
    assert "not yet dependable: test_two.py::test_late" in capsys.readouterr().err


def test_a_mistake_fails_at_the_second_look_too(project, capsys):
    assert run(project, one=BAD, two=ACCIDENT) == 1
    said = capsys.readouterr().err
    assert "A second look" in said
    assert "dependable" not in said


def test_many_failures_are_no_accident(project, capsys):
    many = {f"late{n}": ACCIDENT.replace("been_here", f"been_{n}") for n in range(suite.MOST_AGAIN + 1)}
    assert run(project, **many) == 1
    assert "second" not in capsys.readouterr().err


def test_what_cannot_even_be_collected_fails_at_once(project, capsys):
    assert run(project, one=GOOD, two="import nothing_of_this_name\n") != 0
    assert "dependable" not in capsys.readouterr().err


def test_failures_of_another_day_are_forgotten(project):
    assert run(project, one=BAD) == 1
    (project / "test_one.py").write_text(GOOD, encoding="utf-8")
    assert run(project) == 0
    assert suite.failures(project) == []
