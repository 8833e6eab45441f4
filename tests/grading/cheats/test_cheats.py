"""Every cheat in ``answers`` earns nothing for the task that it attacks, and is pointed out.

Each file is an answer; its first lines say which task it answers (``# task:``), which kind of flag it must raise
(``# flag:``, or none where there is nothing to see) and how it works (``# why:``). ``# spoils:`` marks those that
also break other answers in their own process.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.grading.classes.demo_course import POINTS
from tests.grading.classes.fixtures import cells_of, kinds, points

CHEATS = sorted((Path(__file__).parent / "answers").glob("*.py"))
BESIDE = "Counter-test"


def header(source: str, name: str) -> str:
    return re.search(rf"^# {name}: (.+)$", source, re.MULTILINE)[1]


def test_there_are_enough():
    assert len(CHEATS) >= 15


@pytest.mark.parametrize("path", CHEATS, ids=lambda path: path.stem)
def test_a_cheat_earns_nothing_and_is_flagged(grader, path):
    source = path.read_text(encoding="utf-8")
    task, flag = header(source, "task"), header(source, "flag")
    result = grader.answers(**{task: source})
    earned = points(result)
    attacked = {test.grade_id for test in result.tests if test.task == task} - {"drop_short-test-same"}
    assert {name: earned[name] for name in attacked} == dict.fromkeys(attacked, 0.0), result.tests
    for name in earned.keys() - attacked - {"drop_short-test-same"}:
        # what runs beside a cheat may have to wait for a person; what is judged as data never does
        whole = (POINTS[name],) if name != BESIDE and "# spoils:" not in source else (0.0, POINTS[name])
        assert earned[name] in whole, (name, result.tests)
    if flag != "none":
        assert flag in kinds(result), result.flags
    shown = [str(cell.get("outputs", "")) for cell in cells_of(result)]
    assert not any("4812" in text for text in shown), "a hidden test reached the student's feedback"
