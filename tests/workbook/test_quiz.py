"""quiz.yml: what is accepted, what each mistake is told, and what the cells made of it accept and credit."""

from __future__ import annotations

import contextlib
import io
import json

import pytest

from course_lib.workbook.quiz import Multiple, Numeric, QuizError, Single, read_quiz
from course_lib.workbook.quiz_answers import tries
from course_lib.workbook.quiz_cells import credit, quiz_cells
from tests.workbook.small_course import QUIZ


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "quiz.yml"
        path.write_text(text, encoding="utf-8", newline="\n")
        return read_quiz(path)

    return read


@pytest.fixture
def quiz(read):
    return read(QUIZ)


def question(text: str) -> str:
    return "title: T\nquestions:\n" + text


SINGLE = "- id: one\n  type: single\n  question: Q?\n  options: {a: x, b: y}\n  key: a\n  reasons: {a: r, b: s}\n"
MULTIPLE = SINGLE.replace("single", "multiple").replace("key: a", "key: [a]")
NUMERIC = "- id: one\n  type: numeric\n  question: Q?\n  key: 3\n  tolerance: 0.5\n  reason: r\n"

MISTAKES = {
    "two keys in a single choice": (SINGLE.replace("key: a", "key: [a, b]"), 7, "has one key, and 2 are given"),
    "a second key": (SINGLE.replace("key: a", "key: a\n  key: b"), 8, "“key” is given twice, here and in line 7"),
    "no key": (SINGLE.replace("  key: a\n", ""), 3, "question “one”: no key"),
    "empty key": (SINGLE.replace("key: a", "key:"), 7, "question “one”: key: "),
    "key not among the options": (SINGLE.replace("key: a", "key: c"), 3, "key: c is not among the options a, b"),
    "one key in a multiple choice": (MULTIPLE.replace("[a]", "a"), 7, "has a list of keys, such as [a]"),
    "no key in a multiple choice": (MULTIPLE.replace("[a]", "[]"), 7, "question “one”: key: "),
    "all keys in a multiple choice": (MULTIPLE.replace("[a]", "[a, b]"), 3, "all options are right"),
    "a key twice in a multiple choice": (MULTIPLE.replace("[a]", "[a, a]"), 3, "a letter is given twice"),
    "duplicate id": (SINGLE + SINGLE, 9, "question “one”: the id is used in line 3 already"),
    "no id": (SINGLE.replace("id: one", "points: 1"), 3, "question 1: no id"),
    "id that is no name": (SINGLE.replace("one", "One-2"), 3, "should be a name like leak_fare"),
    "id that is a word of Python's": (SINGLE.replace("one", "print"), 3, "“print” is a word of Python's"),
    "a missing reason": (SINGLE.replace("{a: r, b: s}", "{a: r}"), 3, "no reason for b"),
    "an empty reason": (SINGLE.replace("b: s", 'b: ""'), 3, "no reason for b"),
    "no reasons": (SINGLE.replace("  reasons: {a: r, b: s}\n", ""), 3, "no reasons"),
    "a reason too many": (SINGLE.replace("b: s", "b: s, c: t"), 3, "c is not among the options"),
    "no numeric reason": (NUMERIC.replace("  reason: r\n", ""), 3, "no reason"),
    "unknown type": (SINGLE.replace("single", "sngle"), 3, "unknown type “sngle”; known are single, multiple, numeric"),
    "no type": (SINGLE.replace("  type: single\n", ""), 3, "no type; known are"),
    "unknown entry": (SINGLE + "  hint: h\n", 9, "unknown entry “hint”"),
    "letters with a gap": (SINGLE.replace("b: y", "c: y"), 3, "options must be lettered a, b, not a, c"),
    "one option": (SINGLE.replace("{a: x, b: y}", "{a: x}"), 6, "question “one”: options: "),
    "no text": (SINGLE.replace("Q?", '""'), 5, "question is ''"),
    "numeric key in words": (NUMERIC.replace("key: 3", "key: three"), 6, "question “one”: key: "),
    "infinite key": (NUMERIC.replace("key: 3", "key: .inf"), 6, "question “one”: key: "),
    "endless key": (NUMERIC.replace("key: 3", "key: inf"), 3, "must be finite"),
    "negative tolerance": (NUMERIC.replace("0.5", "-0.5"), 7, "question “one”: tolerance: "),
    "no points to have": (SINGLE + "  points: 0\n", 9, "question “one”: points: "),
    "a colon in plain text": (SINGLE.replace("Q?", "One: two: three"), 5, "text with a colon in it needs quotes"),
    "a tab": (SINGLE.replace("  key", "\tkey"), 7, "this is no YAML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_file_line_and_question(read, tmp_path, mistake):
    text, line, message = MISTAKES[mistake]
    with pytest.raises(QuizError) as raised:
        read(question(text))
    found = [problem for problem in str(raised.value).splitlines() if message in problem]
    assert found, f"not said: {message!r} in\n{raised.value}"
    assert any(problem.startswith(f"{tmp_path / 'quiz.yml'}:{line}: ") for problem in found), found


def test_a_file_without_questions(read):
    for text in ("", "title: T\n", "title: T\nquestions: []\n", "- just\n- a list\n"):
        with pytest.raises(QuizError):
            read(text)


def test_text_stays_text(read):
    """YAML itself would make False, 1.1 and None of these options."""
    quiz = read(question(SINGLE.replace("{a: x, b: y}", "{a: no, b: 1.10}")))
    assert quiz.questions[0].options == {"a": "no", "b": "1.10"}


def test_the_three_types_are_read(quiz):
    leak, tools, error = quiz.questions
    assert (type(leak), leak.key, leak.points) == (Single, "b", 3)
    assert (type(tools), tools.key) == (Multiple, ["a", "c"])
    assert (type(error), error.key, error.tolerance, error.unit) == (Numeric, 12.5, 0.1, "minutes")
    assert quiz.points == 10


# ---- the cells


def run(quiz, name: str, code: str) -> tuple[float | None, str]:
    """Run a question's answer and test as a kernel would: the credit (None: an error) and what was said."""
    cells = {c.metadata.nbgrader.grade_id: c for c in quiz_cells(quiz) if "nbgrader" in c.metadata}
    test = cells[f"{name}-test"]
    space: dict = {}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            exec(code, space)
            body, _, last = test.source.rpartition("\n### END HIDDEN TESTS")[0].rpartition("\n")
            exec(body if last == "_credit" else test.source, space)
        except Exception as error:
            return None, f"{type(error).__name__}: {error}"
    points = float(space["_credit"]) if last == "_credit" else float(test.metadata.nbgrader.points)
    return points, said.getvalue()


def test_cells_come_as_question_answer_and_test(quiz):
    graded = [c.metadata.nbgrader for c in quiz_cells(quiz) if "nbgrader" in c.metadata]
    assert [m.grade_id for m in graded][:3] == ["leak-question", "leak", "leak-test"]
    assert [(m.grade, m.solution, m.locked) for m in graded][:3] == [
        (False, False, True),
        (False, True, False),
        (True, False, True),
    ]
    assert sum(m.points for m in graded if m.grade) == 10


def test_options_are_shown(quiz):
    shown = quiz_cells(quiz)[1].source
    assert "3 points · one answer" in shown
    assert "- **b** · the zones" in shown


MALFORMED = {
    "leak": (
        ['"d"', '"ab"', "2", '["b"]', '""', "True"],
        "that is not one of a, b, c. Give one letter in quotes, such as leak",
    ),
    "tools": (['["a", "e"]', "[1]", "[[]]"], "is not one of a, b, c, d. Give a list of letters"),
    "error": (
        ['"12.5"', "(12, 5)", "float('nan')", "True", "1j"],
        "that is not a number. Give a plain number (minutes)",
    ),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, (values, _) in MALFORMED.items() for v in values])
def test_a_malformed_answer_is_told_at_once(quiz, name, value):
    points, said = run(quiz, name, f"{name} = {value}")
    assert points is None
    assert said.startswith("AssertionError")
    assert MALFORMED[name][1] in said


def test_a_text_is_no_list_of_ticks(quiz):
    assert "that is no list" in run(quiz, "tools", 'tools = "ac"')[1]
    assert "at least one option is right" in run(quiz, "tools", "tools = []")[1]


@pytest.mark.parametrize("code", ["leak = None", "other = 1"])
def test_an_open_question_says_so(quiz, code):
    points, said = run(quiz, "leak", code)
    assert points is None
    assert "leak is not answered yet" in said


def test_credit_of_a_multiple_choice(quiz):
    """Each right tick earns its share, each wrong tick takes one away; all and none earn nothing."""
    expected = {"ac": 4, "a": 2, "acb": 2, "ab": None, "abcd": None, "bd": None, "abd": None}
    for ticks, points in expected.items():
        assert run(quiz, "tools", f"tools = {list(ticks)!r}")[0] == points, ticks


def test_a_letter_may_be_large_or_have_blanks(quiz):
    assert run(quiz, "leak", 'leak = " B"')[0] == 3
    assert run(quiz, "tools", 'tools = {"C", "a "}')[0] == 4


def test_numbers_within_the_tolerance_are_right(quiz):
    for value, right in [
        ("12.5", True),
        ("12.6", True),
        ("12.4", True),
        ("12.61", False),
        ("12.39", False),
        ("12", False),
    ]:
        assert (run(quiz, "error", f"error = {value}")[0] == 3) is right, value


def test_a_wrong_answer_says_what_is_right(quiz):
    assert "c is not right, b is" in run(quiz, "leak", 'leak = "c"')[1]
    assert "Expected 12.5 minutes, give or take 0.1" in run(quiz, "error", "error = 1")[1]


def test_the_key_and_the_reasons_stand_in_hidden_tests_only(quiz):
    for cell in quiz_cells(quiz):
        visible = cell.source
        while "### BEGIN HIDDEN TESTS" in visible:
            before, _, rest = visible.partition("### BEGIN HIDDEN TESTS")
            visible = before + rest.partition("### END HIDDEN TESTS")[2]
        if "nbgrader" in cell.metadata and cell.metadata.nbgrader.grade:
            for secret in ("12.5", "root of the mean", "typed the", "_credit", "overnight"):
                assert secret not in visible


def test_reasons_survive_quotes_and_braces(quiz):
    cell = next(c for c in quiz_cells(quiz) if c.metadata.get("nbgrader", {}).get("grade_id") == "leak-test")
    shown = cell.source.partition("display(Markdown(")[2].partition("))")[0]
    text = "".join(json.loads(line.strip()) for line in shown.strip().splitlines())
    assert '- ✓ **b** · The rider typed the "zones" {both}.' in text


def test_tries_hold_right_and_wrong_answers_of_every_kind(quiz):
    """What `verify` tries says the same as running the cells."""
    for q in quiz.questions:
        found = tries(q)
        assert sum(t.points == q.points for t in found) >= 2
        assert sum(t.points < q.points for t in found) >= 3
        for answer in found:
            assert (run(quiz, q.id, answer.code)[0] or 0.0) == answer.points, answer


def test_ticking_everything_earns_less_than_half_whatever_the_key():
    letters = "abcde"
    for right in range(1, len(letters)):
        q = Multiple(
            id="q",
            type="multiple",
            question="?",
            options=dict.fromkeys(letters, "x"),
            reasons=dict.fromkeys(letters, "r"),
            key=list(letters[:right]),
        )
        assert credit(q, list(letters)) == 0
        assert credit(q, q.key) == 1


def test_practice_questions_are_checked_alike_and_never_become_cells(read):
    practice = SINGLE.replace("one", "try_one").replace("Q?", "Only to try?").replace("a: r", "a: told at once")
    quiz = read(question(SINGLE) + "practice:\n" + practice)
    assert [entry.id for entry in quiz.practice] == ["try_one"]
    assert quiz.points == 1
    text = "\n".join(cell.source for cell in quiz_cells(quiz))
    assert "try_one" not in text
    assert "told at once" not in text
    with pytest.raises(QuizError, match=r":10: question “one”: the id is used in line 3 already"):
        read(question(SINGLE) + "practice:\n" + SINGLE)
    with pytest.raises(QuizError, match=r"question “try_one”: key: c is not among the options a, b"):
        read(question(SINGLE) + "practice:\n" + practice.replace("key: a", "key: c"))
