"""All tests at once, and a second look at the few that failed.

Some tests start real servers, kernels and browsers, and all processors are busy meanwhile: what one of them waits for
may come too late. So a handful of failures is tried once more, alone and one after the other. A mistake fails again.
Whatever needed the second look is named at the end, for somebody to mend.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from course_lib.cli.console import say

MOST_AGAIN = 3  # more than a few at once are no accident
_FAILED = 1  # pytest's exit code for tests that failed; others mean that it could not even run them


def run(what: Sequence[str], together: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run pytest on ``what`` in ``folder``; ``together`` are its options for many tests at a time.

    Returns pytest's exit code: 0 when every test has passed, be it at the second try.
    """
    code = pytest([*what, "--cache-clear", *together], folder, environment)
    failed = failures(folder) if code == _FAILED else []
    if not 1 <= len(failed) <= MOST_AGAIN:
        return code
    say(f"\nA second look at what failed, alone: {', '.join(failed)}")
    code = pytest([*what, "--last-failed", "--last-failed-no-failures", "none"], folder, environment)
    if code == 0:
        say(f"\nPassed at the second try only, so not yet dependable: {', '.join(failed)}")
    return code


def failures(folder: Path) -> list[str]:
    """What failed when pytest last ran in this folder."""
    kept = folder / ".pytest_cache" / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text(encoding="utf-8"))) if kept.is_file() else []


def pytest(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run pytest in ``folder`` with these words behind it; returns its exit code."""
    return subprocess.run([sys.executable, "-m", "pytest", *words], cwd=folder, env=environment).returncode
