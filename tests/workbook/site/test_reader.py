"""Somebody reads the real site in a real browser, from files, by mouse and by keyboard, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# The contrast of a text depends on its element, its style and those around it: two of each kind are enough, and
# axe, which looks at every text, is five times quicker.
TWO_OF_EACH = """() => {
  const seen = new Map();
  for (const element of document.body.querySelectorAll("*")) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!texts.length) continue;
    const kind = [];
    for (let at = element; at && kind.length < 5; at = at.parentElement)
      kind.push(at.tagName, at.getAttribute("class"), at.getAttribute("style"), at.dataset?.state);
    const count = seen.get(kind.join()) ?? 0;
    seen.set(kind.join(), count + 1);
    if (count >= 2) texts.forEach((text) => text.remove());
  }
}"""
# The frame is the same on every page: one page shows it.
NO_FRAME = """() => document.querySelectorAll(".bd-sidebar, .bd-toc").forEach((side) => side.remove())"""
STANDARDS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
STRUCTURE = {"runOnly": STANDARDS, "rules": {"color-contrast": {"enabled": False}}}
SCROLLING = {"runOnly": {"type": "rule", "values": ["scrollable-region-focusable"]}}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as made:
        yield made


@pytest.fixture
def open_page(browser, site):
    """Open pages by name in a window of one colour and size; nothing may be fetched but the site's own files."""
    windows = []

    def opener(theme: str = "light", size: dict = DESK, **options: object):
        window = chromium.visitor(browser, **size, color_scheme=theme, **options)
        person = window.__enter__()
        windows.append(window)
        fetched: list[str] = []
        person.context.on("request", lambda request: fetched.append(request.url))

        def show(name: str, asked: str = "") -> Page:
            person.page.goto((site.folder / name).as_uri() + asked)
            strange = [url for url in fetched if not url.startswith((site.folder.as_uri(), "data:", "blob:"))]
            assert not strange, f"{name} asked for {strange}"
            return person.page

        return show

    yield opener
    for window in windows:
        window.__exit__(None, None, None)


def settle(page: Page) -> None:
    """Wait until diagrams are drawn, where there are any."""
    if page.locator("figure.diagram").count():
        page.wait_for_selector("html[data-diagrams=drawn]")


def faults(page: Page, name: str, rules: dict, *, frame: bool) -> list[str]:
    """What axe calls serious or critical on this page by these rules and in its colours; whether it is too wide."""
    settle(page)
    found = [f"{name} is {over} pixels too wide"] if (over := chromium.sideways(page)) else []
    if not frame:
        page.evaluate(NO_FRAME)
    violations = axe(page, rules)
    page.evaluate(TWO_OF_EACH)
    violations += axe(page, COLOURS)
    grave = [entry for entry in violations if entry["impact"] in ("serious", "critical")]
    return found + [f"{name}: {entry['id']}: {entry['nodes'][0]['html']}" for entry in grave]


def axe(page: Page, rules: dict) -> list[dict]:
    """What breaks these rules."""
    return Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]


@pytest.mark.parametrize(
    ("theme", "size", "rules"),
    [("light", DESK, STRUCTURE), ("dark", PHONE, SCROLLING)],
    ids=["light-desk", "dark-phone"],
)
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(open_page, site, theme, size, rules):
    show = open_page(theme, size)
    problems = [
        problem for name in site.pages for problem in faults(show(name), name, rules, frame=name == "index.html")
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("theme", "size"), [("dark", DESK), ("light", PHONE)], ids=["dark-desk", "light-phone"])
def test_the_other_colours_and_sizes_on_a_page_of_each_kind(open_page, theme, size):
    show, problems = open_page(theme, size), []
    for kind in ("index", "01_intro/lesson", "03_experiment_tracking/exercises", "05_deployment/quiz", "glossary"):
        page = show(f"{kind}.html")
        settle(page)
        page.screenshot(path=chromium.screens() / f"site-{kind.replace('/', '-')}-{theme}.png")
        problems += faults(page, kind, STRUCTURE, frame=True)
    assert not problems, "\n".join(problems)


def test_the_check_of_contrast_sees_a_pale_text(open_page):
    page = open_page()("glossary.html")
    page.evaluate("document.querySelectorAll('dd p')[3].style.color = '#aaa'")
    page.evaluate(NO_FRAME)
    page.evaluate(TWO_OF_EACH)
    assert [entry["id"] for entry in axe(page, COLOURS)] == ["color-contrast"]


def test_practice_questions_answer_at_once_and_explain(open_page):
    page = open_page()("01_intro/quiz.html")
    single = page.locator("form#practice-try_stage")
    single.get_by_role("button", name="Check").click()
    expect(single.get_by_role("status")).to_have_text("Choose an answer first.")
    single.get_by_label("Planning").check()
    single.get_by_role("button", name="Check").click()
    expect(single.get_by_role("status")).to_have_text("Not right. Choose again.")
    expect(single.locator(".practice-reason:visible")).to_have_count(1)
    single.get_by_label("Evaluation").check()
    single.get_by_role("button", name="Check").click()
    expect(single.get_by_role("status")).to_have_text("Right.")
    expect(single.locator(".practice-reason:visible")).to_have_count(4)
    single.get_by_role("button", name="Try again").click()
    expect(single.locator(".practice-reason:visible")).to_have_count(0)
    expect(single.get_by_label("Evaluation")).not_to_be_checked()


def test_ticks_are_counted_and_numbers_read_as_people_write_them(open_page):
    page = open_page()("01_intro/quiz.html")
    several = page.locator("form#practice-try_leak")
    several.get_by_label("weekday").check()
    several.get_by_label("until noon").check()
    several.get_by_role("button", name="Check").click()
    expect(several.get_by_role("status")).to_have_text("1 of 2 right ones ticked, 1 wrong.")
    number = page.locator("form#practice-try_mae")
    field = number.get_by_role("textbox")
    for typed, verdict in {"": "Type a number first.", "four": "That is not a number.", "4,5": "Not right."}.items():
        field.fill(typed)
        field.press("Enter")
        expect(number.get_by_role("status")).to_have_text(verdict)
    for typed in ("4", "4,0", "4.04", " 4 "):
        field.fill(typed)
        field.press("Enter")
        expect(number.get_by_role("status")).to_have_text("Right.")


def test_a_practice_question_needs_no_mouse(open_page):
    page = open_page()("05_deployment/quiz.html")
    form = page.locator("form#practice-try_way")
    form.get_by_label("Streaming").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(form.get_by_role("status")).to_have_text("Right.")


def test_search_finds_a_page_without_a_network(open_page):
    page = open_page()("search.html", "?q=quarantine")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    assert any("04_orchestration/lesson.html" in link.get_attribute("href") for link in results.all())


def test_diagrams_follow_the_colours_and_have_names(open_page):
    page = open_page("light")("01_intro/lesson.html")
    settle(page)
    assert page.get_by_role("img", name="The life cycle of a model").is_visible()
    fill = "() => getComputedStyle(document.querySelector('figure.diagram .node rect')).fill"
    light = page.evaluate(fill)
    page.get_by_role("button", name="Color mode").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("(light) => (%s)() !== light" % fill, arg=light)  # noqa: UP031
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_ticked_objectives_stay_ticked(open_page):
    show = open_page()
    box = show("01_intro/lesson.html").get_by_role("checkbox", name="Split by time")
    box.check()
    show("01_intro/exercises.html")
    again = show("01_intro/lesson.html")
    expect(again.get_by_role("checkbox", name="Split by time")).to_be_checked()
    expect(again.get_by_role("checkbox", name="Say what MLOps is")).not_to_be_checked()


def test_paper_is_light_and_has_no_frame(open_page):
    page = open_page("dark")("01_intro/lesson.html")
    settle(page)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    expect(page.locator("#pst-primary-sidebar")).not_to_be_visible()
    expect(page.locator(".prev-next-footer")).not_to_be_visible()
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
