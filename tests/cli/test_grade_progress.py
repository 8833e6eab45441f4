"""Whoever watches a class being graded sees how far it is and how long it will take."""

from __future__ import annotations

import io
import re
import sys

from course_lib.cli.grading import _Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watch(monkeypatch, stream) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with _Progress() as progress:
        progress(0, 3, None)
        for done in (1, 2, 3):
            progress.bar.last_print_t = 0.0  # as if a while had passed
            progress(done, 3, None)
    return stream.getvalue()


def test_a_bar_with_the_time_left(monkeypatch):
    shown = watch(monkeypatch, Terminal())
    assert re.search(r"grading: +\d+%.*[123]/3 \[\d\d:\d\d<\d\d:\d\d", shown), shown


def test_nobody_watches_a_file(monkeypatch):
    assert watch(monkeypatch, io.StringIO()) == ""
