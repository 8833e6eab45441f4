"""Building a small site: only what changed, what an incomplete checkout says, and every way in which it can fail."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from filelock import FileLock

from course_lib.errors import CourseError, UsageError
from course_lib.workbook.site.build import build_site, transferred
from tests.workbook.site.checkout import ALT, MODULE, edit_lesson, write

# the theme and MyST call Sphinx in ways that its next version but one will not have
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return write(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def first(course):
    """The small site, built once; tests that change the checkout make their own."""
    return build_site(course, course / "site")


def page(root, name):
    return BeautifulSoup((root / "site" / name).read_text(encoding="utf-8"), "html.parser")


def test_each_notebook_becomes_a_page_with_what_its_reader_needs(course, first):
    assert first.problems == []
    assert first.pages == first.written == 5
    lesson = page(course, f"{MODULE}/lesson.html")
    assert lesson.title.get_text().startswith("1 · A small lesson")
    assert lesson.article.img["alt"] == ALT
    assert "7 rides" in lesson.article.get_text()
    assert "Start page" not in lesson.article.get_text()
    assert lesson.article.select_one("#term-ride")
    assert lesson.article.select_one("label > input[type=checkbox]")
    assert lesson.article.find("a", string="exercises")["href"] == "exercises.html"
    start = page(course, "index.html").article
    assert start.find("a", string="Quiz")["href"] == f"{MODULE}/quiz.html"
    assert start.find("a", string="glossary")["href"] == "glossary.html"


@pytest.mark.usefixtures("first")
def test_tests_are_folded_and_graded_questions_have_no_key(course):
    exercises = page(course, f"{MODULE}/exercises.html").article
    assert "assert double(2)" in exercises.select_one("details").get_text()
    assert "YOUR CODE HERE" not in exercises.select_one("details").get_text()
    quiz = page(course, f"{MODULE}/quiz.html")
    assert [form["data-key"] for form in quiz.select("form.practice")] == ["a", "a c", "12.5"]
    assert quiz.find("code", string="first")
    assert "Which is graded?" in quiz.get_text()
    assert "SECRET" not in str(quiz)
    assert "graded = None" not in str(quiz)


def test_nothing_is_written_again_until_something_changes(tmp_path):
    course = write(tmp_path)
    build_site(course, course / "site")
    steps = []
    again = build_site(course, course / "site", progress=lambda done, total: steps.append((done, total)))
    assert (again.changed, again.written, again.problems) == ([], 0, [])
    edit_lesson(course, "What a rider takes.", "What a rider takes home.")
    third = build_site(course, course / "site", progress=lambda done, total: steps.append((done, total)))
    assert third.changed == [f"{MODULE}/lesson.ipynb", "glossary.md"]
    assert 2 <= third.written < 5
    assert "takes home" in page(course, "glossary.html").get_text()
    assert steps == sorted(steps)
    assert steps[-1][1] == 10


def test_a_page_whose_notebook_has_gone_goes(tmp_path):
    course = write(tmp_path)
    build_site(course, course / "site")
    (course / "modules" / MODULE / "exercises.ipynb").unlink()
    report = build_site(course, course / "site")
    assert not (course / "site" / MODULE / "exercises.html").exists()
    assert f"{MODULE}/lesson.html: exercises.html leads to no file" in report.problems


def test_a_students_checkout_builds_and_says_what_it_lacks(tmp_path):
    course = write(tmp_path, solutions=False)
    report = build_site(course, course / "site")
    assert report.problems == []
    assert report.notes == [
        "solutions/ is not here: lessons come from modules/, without outputs, and quizzes without practice questions."
    ]
    assert "Not complete: solutions/ is not here" in page(course, "index.html").get_text()
    lesson = page(course, f"{MODULE}/lesson.html").get_text()
    assert "7 rides" not in lesson
    assert "The outputs are not here" in lesson
    assert "Practice" not in page(course, f"{MODULE}/quiz.html").article.get_text()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[exercises](exercises.ipynb)", "[exercises](exercise.ipynb)", "exercise.ipynb"),
        ("[exercises](exercises.ipynb)", "[exercises](<#nowhere>)", "nowhere"),
        (f'"alt": "{ALT}"', '"alt": ""', "nobody says what the figure"),
        ("accTitle: From one to the other", "%% nothing", "has no accTitle"),
        ("- [ ] Say", "<img src='https://example.org/x.png' alt='x'>\\n\\n- [ ] Say", "from elsewhere"),
    ],
    ids=["no page", "no place", "no alt text", "diagram without a name", "from elsewhere"],
)
def test_what_is_wrong_with_a_page_is_reported_and_names_it(tmp_path, old, new, problem):
    course = write(tmp_path)
    edit_lesson(course, old, new)
    for which in ("first", "second"):
        report = build_site(course, course / "site")
        named = [line for line in report.problems if problem in line and f"{MODULE}/lesson" in line]
        assert named, f"{which} time: {report.problems}"


def test_an_empty_folder_a_strange_one_and_one_in_use_are_refused(tmp_path):
    with pytest.raises(CourseError, match="nothing to read"):
        build_site(tmp_path / "empty", tmp_path / "site")
    course = write(tmp_path / "course")
    strange = tmp_path / "thesis"
    strange.mkdir()
    (strange / "chapter.html").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not empty and was not made by"):
        build_site(course, strange)
    with pytest.raises(UsageError, match="is a file"):
        build_site(course, strange / "chapter.html")
    assert (strange / "chapter.html").read_text(encoding="utf-8") == "mine"
    work = tmp_path / ".site-work"
    work.mkdir()
    with FileLock(work / "lock"), pytest.raises(CourseError, match="another `course site`"):
        build_site(course, tmp_path / "site")


def test_a_broken_source_is_named(tmp_path):
    course = write(tmp_path)
    (course / "solutions" / MODULE / "quiz.yml").write_text("title: T\nquestions: []\n", encoding="utf-8")
    with pytest.raises(CourseError, match=r"quiz\.yml:2: questions"):
        build_site(course, course / "site")
    (course / "modules" / MODULE / "exercises.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(CourseError, match=r"exercises\.ipynb"):
        build_site(course, course / "site")


def test_text_is_sent_compressed_and_pictures_as_they_are(tmp_path):
    (tmp_path / "a.html").write_text("word " * 1000, encoding="utf-8")
    (tmp_path / "a.png").write_bytes(b"word " * 1000)
    assert transferred(tmp_path / "a.html") < 100
    assert transferred(tmp_path / "a.png") == 5000
