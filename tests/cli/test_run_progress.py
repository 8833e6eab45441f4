"""What `course run` shows while it works: lines for logs, bars for people at a terminal."""

import io
import sys
from pathlib import Path

import pytest

from course_lib.cli.run_progress import finished_line, run_progress
from course_lib.workbook.failures import Failure
from course_lib.workbook.run import Progress, RunResult

GOOD = RunResult("01_intro", "lesson", Path("lesson.ipynb"), seconds=12.34, cell_seconds={2: 0.1, 3: 0.2})
BAD = RunResult(
    "01_intro",
    "quiz",
    Path("quiz.ipynb"),
    failure=Failure("error", "ValueError: [no] taxi\nmore", cell=7, cells=9, execution_count=4),
)
EVENTS = [
    Progress("started", GOOD.title),
    Progress("started", BAD.title),
    Progress("cell", GOOD.title, 1, 2, "import [pandas]\nmore"),
    Progress("finished", BAD.title, result=BAD),
    Progress("cell", GOOD.title, 2, 2, "trips"),
    Progress("finished", GOOD.title, result=GOOD),
]


class Terminal(io.StringIO):
    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


def shown(tty, monkeypatch):
    terminal = Terminal(tty)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with run_progress() as progress:
        for event in EVENTS:
            progress(event)
    return terminal.getvalue()


def test_a_line_says_what_became_of_a_notebook_and_why():
    assert finished_line(GOOD) == "ok      01_intro/lesson            12.3 s  2 code cells"
    assert finished_line(BAD).endswith("cell 7 of 9 (In [4]): ValueError: [no] taxi")


def test_a_log_gets_one_line_for_each_notebook_and_no_control_characters(monkeypatch):
    text = shown(False, monkeypatch)
    assert text.splitlines() == [finished_line(BAD), finished_line(GOOD)]


@pytest.mark.parametrize("result", [GOOD, BAD])
def test_a_terminal_gets_the_same_lines_above_the_bars(monkeypatch, result):
    monkeypatch.setenv("COLUMNS", "160")
    text = shown(True, monkeypatch)
    assert finished_line(result) in text
    assert "01_intro/lesson" in text
