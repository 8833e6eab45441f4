"""Text → cells: the short options become nbgrader's metadata, and every mistake is named with file and line."""

from __future__ import annotations

import pytest
from nbgrader.nbgraderformat import MetadataValidator

from course_lib.workbook.canonical import new_notebook
from course_lib.workbook.text import TextError, read_header, read_text
from tests.workbook.small_course import EXERCISES, HEADER, LESSON

HEAD = HEADER.format(title="A title")  # 7 lines
ANSWER = "```{code-cell} python\n:answer: one\n\n### BEGIN SOLUTION\none = 1\n### END SOLUTION\n```\n"
TEST = "```{code-cell} python\n:test: one\n:points: 1\n\nassert one == 1, 'one'\n```\n"


@pytest.fixture
def read(tmp_path):
    """Read a text given as a string."""

    def read(text, **options):
        path = tmp_path / "exercises.md"
        path.write_text(text, encoding="utf-8", newline="\n")
        return read_text(path, **options)

    return read


def metadata(text) -> dict:
    return {c.metadata.nbgrader.grade_id: c.metadata.nbgrader for c in text.cells if "nbgrader" in c.metadata}


def test_options_become_nbgrader_metadata(read):
    found = metadata(read(EXERCISES))
    assert list(found) == ["double", "double-test", "double-test-text", "stage", "stage-test", "worth_it"]
    kinds = {name: (m.grade, m.solution, m.locked, m.get("points")) for name, m in found.items()}
    assert kinds == {
        "double": (False, True, False, None),
        "double-test": (True, False, True, 6),
        "double-test-text": (True, False, True, 2),
        "stage": (False, True, False, None),
        "stage-test": (True, False, True, 8),
        "worth_it": (True, True, False, 4),
    }


def test_nbgrader_accepts_the_metadata(read):
    notebook = new_notebook(read(EXERCISES).cells, {})
    MetadataValidator().validate_nb(notebook)


def test_nothing_but_nbgrader_metadata_and_tags_stays_in_cells(read):
    text = read(LESSON)
    assert [dict(cell.metadata) for cell in text.cells] == [{}, {"tags": ["parameters"]}, {}, {}]


def test_a_figure_s_alternative_text_stays_with_its_cell(read):
    text = read(LESSON + "\n" + cell(':alt: "Bars: one is high"', "", "plot()"))
    assert text.cells[-1].metadata == {"alt": "Bars: one is high"}


def test_the_header_is_read(read):
    text = read(LESSON, needs_summary=True)
    assert (text.title, text.summary, text.minutes) == ("A small lesson", "What it is about.", 20)


def test_a_header_alone_can_be_read_even_where_the_text_is_wrong(tmp_path):
    path = tmp_path / "lesson.md"
    path.write_text(LESSON + "```{code-cell}\n:answer:\n```\n", encoding="utf-8")
    assert read_header(path)["title"] == "A small lesson"
    path.write_text("no header", encoding="utf-8")
    assert read_header(path) == {}


def cell(*lines):
    return "\n".join(["```{code-cell} python", *lines, "```", ""])


MISTAKES = {
    "no header": ("# Title\n", 1, "no header"),
    "header is no list": ("---\njust text\n---\n", 1, "not a list of"),
    "header is no YAML": ("---\ntitle: x\nminutes: [1\nsummary: y\n---\n", 4, "flow sequence"),
    "no title": (HEAD.replace("title: A title\n", ""), 1, "no title"),
    "misspelt entry": (HEAD.replace("title:", "titel:"), 1, "unknown entry “titel”; did you mean “title”"),
    "minutes in words": (HEAD.replace("20", "many"), 1, "minutes is 'many'"),
    "misspelt option": (HEAD + cell(":answr: one", "", "one = 1"), 8, "unknown option “answr”: did you mean “answer”"),
    "option of the other kind": (HEAD + cell(":written: one", ":points: 1", "", "x"), 8, "belongs to a markdown cell"),
    "options are no YAML": (HEAD + cell(":answer: [", "", "x"), 8, "Invalid YAML"),
    "answer without id": (HEAD + cell(":answer:", "", "x = 1"), 8, "“answer” needs a grade id"),
    "id with a space": (HEAD + cell(":answer: my answer", "", "x = 1"), 8, "'my answer' is not one"),
    "solution without id": (
        HEAD + "```{code-cell} python\n### BEGIN SOLUTION\none = 1\n### END SOLUTION\n```\n",
        8,
        "a SOLUTION region needs a grade id: give the cell the option “answer”",
    ),
    "hidden tests without id": (
        HEAD + "```{code-cell} python\n### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS\n```\n",
        8,
        "a HIDDEN TESTS region needs a grade id: give the cell the option “test”",
    ),
    "mark scheme in plain text": (
        HEAD + "text\n\n### BEGIN MARK SCHEME\n### END MARK SCHEME\n",
        8,
        "a MARK SCHEME region needs a grade id",
    ),
    "duplicate id": (HEAD + ANSWER + TEST + ANSWER, 21, "the grade id “one” is used in line 8 already"),
    "second test without case": (HEAD + ANSWER + TEST + TEST, 21, "a second test of a task needs its own “case”"),
    "test without answer": (HEAD + ANSWER + TEST + TEST.replace("one", "won"), 21, "did you mean “one”"),
    "test before answer": (HEAD + TEST + ANSWER, 8, "“one” is tested before any cell answers it"),
    "answer without test": (HEAD + ANSWER, 8, "nothing tests the answer “one”"),
    "test without points": (HEAD + ANSWER + TEST.replace(":points: 1\n", ""), 15, "“test” needs points"),
    "no points to have": (HEAD + ANSWER + TEST.replace("points: 1", "points: 0"), 15, "points is 0"),
    "points in words": (HEAD + ANSWER + TEST.replace("points: 1", "points: one"), 15, "points is 'one'"),
    "points on an answer": (HEAD + ANSWER.replace("\n\n", "\n:points: 1\n\n") + TEST, 8, "an answer has no “points”"),
    "case with spaces": (HEAD + ANSWER + TEST.replace(":points", ":case: a b\n:points"), 15, "“case” is 'a b'"),
    "points on nothing": (HEAD + cell(":points: 2", "", "x = 1"), 8, "“points” without “test” or “written”"),
    "answer and test": (HEAD + cell(":answer: a", ":test: a", "", "x"), 8, "answer and test exclude each other"),
    "tags as a word": (HEAD + cell(":tags: parameters", "", "x"), 9, "tags is 'parameters'"),
    "alternative text of nothing": (HEAD + cell(":alt:", "", "plot()"), 8, "should be a sentence that says what"),
    "alternative text for text": (HEAD + '+++ {"alt": "x"}\n\nText.\n', 10, "it belongs to a code cell"),
    "answer without solution": (HEAD + cell(":answer: one", "", "one = 1") + TEST, 8, "needs ### BEGIN SOLUTION"),
    "solution not ended": (HEAD + ANSWER.replace("### END SOLUTION\n", "") + TEST, 11, "without its END SOLUTION"),
    "solution not begun": (HEAD + ANSWER.replace("### BEGIN SOLUTION\n", "") + TEST, 12, "without its BEGIN SOLUTION"),
    "solution begun twice": (
        HEAD + ANSWER.replace("one = 1\n", "### BEGIN SOLUTION\n") + TEST,
        12,
        "BEGIN SOLUTION again, before the END SOLUTION of line 11",
    ),
    "written answer without text": (HEAD + '+++ {"written": "why", "points": 4}\n\n+++\n\nText.\n', 8, "has no text"),
    "written answer without points": (HEAD + '+++ {"written": "why"}\n\nText.\n', 8, "“written” needs points"),
    "metadata that is no JSON": (HEAD + "+++ {written: why}\n\nText.\n", 8, "could not be read"),
    "a directive of another tool": (HEAD + "Text.\n\n```{note}\nx\n```\n", 10, "JupyterLab does not know {note}"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_file_and_line(read, tmp_path, mistake):
    text, line, message = MISTAKES[mistake]
    with pytest.raises(TextError) as raised:
        read(text)
    found = [problem for problem in str(raised.value).splitlines() if message in problem]
    assert found, f"not said: {message!r} in\n{raised.value}"
    assert any(problem.startswith(f"{tmp_path / 'exercises.md'}:{line}: ") for problem in found), found


def test_a_lesson_says_how_long_it_takes(read):
    short = LESSON.replace("summary: What it is about.\nminutes: 20\n", "")
    assert read(short).minutes is None
    with pytest.raises(TextError, match="no summary"):
        read(short, needs_summary=True)


def test_all_mistakes_are_told_at_once(read):
    with pytest.raises(TextError) as raised:
        read(HEAD + cell(":answr: one", "", "x") + cell(":answer:", "", "x") + TEST)
    assert len(raised.value.problems) >= 3


def test_code_that_looks_like_a_directive_is_code(read):
    source = "text = '''\n```{note}\n```\n'''"
    text = read(HEAD + f"````{{code-cell}} python\n{source}\n````\n")
    assert [cell.source for cell in text.cells] == [source]


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "lesson.md"
    path.write_bytes(b"\xff\xfe\x00")
    from course_lib.errors import CourseError

    with pytest.raises(CourseError, match="cannot read"):
        read_text(path)


def test_windows_line_ends_make_the_same_cells(tmp_path, read):
    plain = read(EXERCISES)
    path = tmp_path / "windows.md"
    path.write_bytes(EXERCISES.replace("\n", "\r\n").encode())
    assert [c.source for c in read_text(path).cells] == [c.source for c in plain.cells]
