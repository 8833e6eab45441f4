"""Wrong answers are files with a header and code; each mistake in one is named with file and line."""

from __future__ import annotations

import pytest

from course_lib.workbook.wrong_answers import WrongAnswerError, read_wrong_answers

TASKS = {"clean_trips": 4.0, "score": 2.0}
GOOD = "# task: score\n# loses: 1\n# why: Signed errors cancel.\n\ndef score():\n    return 0\n"


@pytest.fixture
def read(tmp_path):
    def read(text, name="sums.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_wrong_answers(tmp_path, TASKS)

    return read


def test_a_wrong_answer_is_read(read):
    (answer,) = read(GOOD)
    assert (answer.name, answer.task, answer.loses, answer.why) == ("sums", "score", 1.0, "Signed errors cancel.")
    assert answer.code == "def score():\n    return 0"


def test_code_may_begin_with_a_comment_of_its_own(read):
    (answer,) = read(GOOD.replace("\ndef", "# task: not a header any more\ndef"))
    assert answer.code.startswith("# task: not a header")


def test_they_come_by_file_name(read):
    read(GOOD, "b.py")
    assert [answer.name for answer in read(GOOD, "a.py")] == ["a", "b"]


def test_a_folder_that_is_not_there_holds_none(tmp_path):
    assert read_wrong_answers(tmp_path / "none", TASKS) == []


MISTAKES = {
    "no header": ("def score():\n    return 0\n", 1, "no “task”"),
    "no points": (GOOD.replace("# loses: 1\n", ""), 1, "no “loses”"),
    "no reason": (GOOD.replace("# why: Signed errors cancel.", "# why:"), 1, "no “why”"),
    "unknown task": (GOOD.replace("score\n", "scroe\n", 1), 1, "no cell answers “scroe”; did you mean “score”?"),
    "more than there is": (GOOD.replace("loses: 1", "loses: 3"), 1, "should be a number above 0 and at most 2"),
    "nothing to lose": (GOOD.replace("loses: 1", "loses: 0"), 1, "loses is “0”"),
    "points in words": (GOOD.replace("loses: 1", "loses: all"), 1, "loses is “all”"),
    "no code": (GOOD.partition("def")[0], 1, "no code"),
    "no Python": (GOOD.replace("return 0", "return ("), 6, "the code is no Python"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_file_and_line(read, tmp_path, mistake):
    text, line, message = MISTAKES[mistake]
    with pytest.raises(WrongAnswerError) as raised:
        read(text)
    found = [problem for problem in str(raised.value).splitlines() if message in problem]
    assert found, str(raised.value)
    assert found[0].startswith(f"{tmp_path / 'sums.py'}:{line}: ")
