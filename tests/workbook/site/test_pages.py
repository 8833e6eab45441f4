"""What must be true of every page of the real site, as it stands in the files."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from course_lib.paths import project_root
from course_lib.workbook.modules import all_modules
from course_lib.workbook.notebook_io import read_notebook
from course_lib.workbook.quiz import read_quiz
from course_lib.workbook.site.checks import page_problems
from tests.workbook.secrets_of import secrets

ROOT = project_root()
MODULES = all_modules(ROOT)


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def plain(text: str) -> str:
    """Text whose line breaks and typographic quotes make no difference."""
    typed = text.translate(str.maketrans("“”‘’", "\"\"''")).replace("…", "...").replace("–", "--")
    return " ".join(typed.split())


def test_every_notebook_has_its_page_and_nothing_is_wrong(site):
    expected = {f"{module.name}/{name}.html" for module in MODULES for name in module.notebooks}
    expected |= {"index.html", "glossary.html", "search.html", "07_maturity/capstone.html"}
    assert set(site.pages) == expected
    assert site.report["problems"] == []
    assert site.report["notes"] == []
    assert page_problems(site.folder) == []


def test_every_page_says_what_it_is_in_which_language_with_headings_in_order(site):
    titles = set()
    for name in site.pages:
        page = soup(site.folder / name)
        assert page.html["lang"] == "en", name
        titles.add(page.title.get_text())
        ranks = [int(heading.name[1]) for heading in (page.article or page.main).find_all(re.compile(r"h[1-6]"))]
        assert ranks[:1] == [1], f"{name} begins with a heading of rank {ranks[:1]}"
        assert ranks.count(1) == 1, f"{name} has {ranks.count(1)} first headings"
        jumps = [(a, b) for a, b in pairwise(ranks) if b > a + 1]
        assert not jumps, f"{name}: headings jump {jumps}"
    assert len(titles) == len(site.pages), "two pages have the same title"


def test_figures_say_what_they_show_in_their_authors_words(site):
    figures = 0
    for module in MODULES:
        images = soup(site.folder / module.name / "lesson.html").article.find_all("img")
        assert all(len(image.get("alt", "")) > 30 for image in images), [image.get("alt") for image in images]
        figures += len(images)
    assert figures >= 40


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_page_holds_a_solution_a_hidden_test_a_key_or_a_reason(site, module):
    hidden = {plain(secret) for secret in secrets(module.solutions)}
    assert len(hidden) > 20
    for path in sorted((site.folder / module.name).glob("*.html")):
        page = soup(path)
        text = plain(page.get_text())
        found = [secret for secret in hidden if secret in text]
        assert not found, f"{path.name}: {found[:3]}"
        assert not re.search(r"BEGIN (SOLUTION|HIDDEN|MARK)", text)
        graded = {question.id for question in read_quiz(module.source("quiz")).questions}
        keyed = {form["id"].removeprefix("practice-") for form in page.select("form[data-key]")}
        assert not graded & keyed


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_lessons_show_the_stored_outputs_and_quizzes_something_to_try(site, module):
    lesson = soup(site.folder / module.name / "lesson.html").article
    assert len(lesson.select(".cell_output")) >= 15
    assert lesson.select("figure.diagram")
    quiz = soup(site.folder / module.name / "quiz.html").article
    practice, graded = read_quiz(module.source("quiz")).practice, read_quiz(module.source("quiz")).questions
    assert len(quiz.select("form.practice")) == len(practice) >= 3
    text = plain(quiz.get_text())
    assert len(re.findall(r"\bQuestion \d+", text)) >= len(graded)
    # a practice question is one of its own
    assert not {q.question.strip() for q in practice} & {q.question.strip() for q in graded}


def test_each_page_leads_to_the_next_and_back(site):
    name, seen = "index.html", []
    while name:
        seen.append(name)
        forward = soup(site.folder / name).select_one("a.right-next")
        following = (site.folder / name).parent.joinpath(forward["href"]).resolve() if forward else None
        if following:
            back = soup(following).select_one("a.left-prev")["href"]
            assert following.parent.joinpath(back).resolve() == (site.folder / name).resolve()
        name = following.relative_to(site.folder.resolve()).as_posix() if following else None
    assert seen == ["index.html", *(n for n in seen if n[0].isdigit()), "glossary.html"]
    assert set(seen) == set(site.pages) - {"search.html"}
    assert seen[1:4] == ["01_intro/lesson.html", "01_intro/exercises.html", "01_intro/quiz.html"]


def test_the_glossary_has_every_term_with_a_link_to_its_place(site):
    page = soup(site.folder / "glossary.html").article
    texts = [
        cell.source
        for module in MODULES
        for cell in read_notebook(module.solution("lesson")).cells
        if cell.cell_type == "markdown"
    ]
    terms = {name.lower(): name for name in re.findall(r"🔔 \*\*([^*]+)\*\*: ", "\n".join(texts))}
    assert len(terms) > 100
    names = [plain(entry.get_text()).lower() for entry in page.select("dt")]
    assert sorted(names) == sorted(plain(name.replace("`", "")) for name in terms)
    assert len(page.select('dd a[href*="lesson.html#term-"]')) == len(terms)


def test_pages_stay_light(site):
    """A lesson with its figures under a megabyte, besides what all pages share; nothing that nobody loads."""
    for module in MODULES:
        path = site.folder / module.name / "lesson.html"
        images = [image["src"] for image in soup(path).article.find_all("img")]
        assert path.stat().st_size + sum((path.parent / src).stat().st_size for src in images) < 1_000_000
        assert not any(src.startswith("data:") for src in images)
    assert not list(site.folder.rglob("*.map"))
    assert site.report["bytes"] < 15e6
