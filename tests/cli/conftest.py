"""What tests of commands share."""

import sys

import pytest

from course_lib.cli import main


@pytest.fixture
def course(monkeypatch, capsys):
    """Run ``course`` with arguments; returns the exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["course", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
