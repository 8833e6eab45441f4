"""Capstones to check: the reference, ready to run, and ways to spoil it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from course_lib.taxi.maturity.capstone import checking
from course_lib.taxi.maturity.capstone.results import Checked
from course_lib.taxi.maturity.capstone.settings import NotSettled, read
from course_lib.taxi.maturity.capstone.trial import Trial
from course_lib.taxi.maturity.capstone.workspace import copied
from tests.taxi.maturity.projects import git

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "solutions" / "07_maturity" / "capstone"


def reference(folder: Path, change: Callable[[Path], None] = lambda _: None) -> Path:
    """The reference in ``folder`` with the starter's trips, ``change``d, and committed."""
    litter = shutil.ignore_patterns("__pycache__", ".pytest_cache", "state", "data")
    shutil.copytree(HOME / "reference", folder, ignore=litter)
    (folder / "data").mkdir()
    shutil.copyfile(HOME / "starter" / "trips.csv", folder / "data" / "trips.csv")
    change(folder)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "the project")
    return folder


def replace(folder: Path, name: str, *pairs: tuple[str, str]) -> None:
    """Replace texts in a file; each must be there."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8", newline="\n")


def keep_entries(folder: Path, *names: str) -> None:
    """Leave only these entries in capstone.toml."""
    path = folder / "capstone.toml"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.split(" ")[0] in names]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ask(folder: Path, names: Iterable[str]) -> dict[str, Checked]:
    """The answers to some of the questions, by their names; what they don't need isn't run."""
    questions = {one.name: one for _, _, questions in checking.STEPS.values() for one in questions}
    try:
        state = read(folder).state
    except NotSettled:
        state = "state"
    with copied(folder, state) as workspace:
        trial = Trial(folder.resolve(), workspace, checking.later_trips(), lambda _: None)
        return {name: questions[name].ask(trial) for name in names}
