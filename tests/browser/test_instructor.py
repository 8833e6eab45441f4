"""An instructor's way in a real browser: a class graded, a written answer judged, feedback, the report."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import FrameLocator, Page, expect

from course_lib.grading.sandbox import probe
from course_lib.paths import project_root
from course_lib.workbook.modules import all_modules
from course_lib.workbook.sample_class import sample_class
from tests.browser.accessibility import grave
from tests.browser.chromium import sideways, visitor
from tests.browser.lab import Lab, Notebook, lab
from tests.browser.tripwire import Tripwire

ROOT = project_root()
MODULE, STUDENT = "01_intro", "bence"
COMMENT = "A fair question at the end. What would change your mind?"


@pytest.fixture(scope="module")
def instructor(browser, tmp_path_factory) -> Iterator[Lab]:  # noqa: ARG001  (without a browser there is nothing to start)
    """`course lab --formgrader` on a copy of the whole course, with a class of two that waits to be graded."""
    root = tmp_path_factory.mktemp("course")
    for name in ("solutions", "modules"):
        ignore = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    module = next(module for module in all_modules(root) if module.name == MODULE)
    sample_class(module, root / "handed_in", size=2)
    with (
        Tripwire() as wire,
        lab(root, tmp_path_factory.mktemp("home"), "--formgrader", extra=wire.environment) as running,
    ):
        yield running
        assert not wire.caught, f"asked for outside of this machine: {wire.caught}"


@pytest.fixture(scope="module")
def told(instructor) -> str:
    """What `course grade` tells the terminal."""
    unsafe = [] if probe.probe().available else ["--unsafe"]  # the answers are the course's own
    graded = instructor.course("grade", MODULE, "--submissions", "handed_in", *unsafe)
    assert graded.returncode == 0, graded.stderr
    return graded.stderr


def formgrader(page: Page, lab: Lab) -> FrameLocator:
    """Formgrader, by JupyterLab's menu."""
    page.goto(lab.address)
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.locator(".lm-Menu-item").get_by_text("Formgrader", exact=True).click()
    return page.frame_locator("iframe")


def test_the_report_opens_from_the_last_line(browser, told, shoot):
    last = told.strip().splitlines()[-1]
    address = re.search(r"file://\S+", last)
    assert address, f"the last line names no report: {last}"
    with visitor(browser) as person:
        page = person.page
        page.goto(address.group())
        expect(page.get_by_role("heading", name=f"Class report: {MODULE}")).to_be_visible()
        expect(page.locator("svg").first).to_be_visible()
        expect(page.get_by_role("cell", name=STUDENT).first).to_be_attached()
        assert sideways(page) == 0
        shoot(page, "instructor-report")
        shoot(page, "instructor-report-whole", full_page=True)
        assert grave(page) == []


@pytest.mark.usefixtures("told")
def test_a_written_answer_is_judged_and_given_back(browser, instructor, shoot):
    with visitor(browser) as person:
        page = person.page
        frame = formgrader(page, instructor)
        for module in sorted(path.parent.name for path in (ROOT / "modules").glob("*/exercises.ipynb")):
            expect(frame.get_by_role("link", name=module, exact=True)).to_be_visible()
        shoot(page, "instructor-formgrader")
        frame.get_by_role("link", name="Manual Grading", exact=True).first.click()
        frame.get_by_role("link", name=MODULE, exact=True).click()
        frame.get_by_role("link", name="exercises", exact=True).click()
        expect(frame.get_by_role("link", name="Submission #2")).to_be_visible()
        frame.get_by_text("Show All Names").click()
        shoot(page, "instructor-submissions")
        with page.expect_response("**/api/grades?*"), page.expect_response("**/api/comments?*"):
            frame.get_by_role("link", name=STUDENT, exact=True).click()
        expect(frame.locator(".score[placeholder]").first).to_be_attached()  # what is stored has come to the fields
        score = frame.locator("#worth_it")
        with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
            score.fill("3")
            score.blur()
        with page.expect_response(lambda answer: "/api/comment/" in answer.url and answer.request.method == "PUT"):
            frame.locator("#worth_it-comment").fill(COMMENT)
            frame.locator("#worth_it-comment").blur()
        shoot(page, "instructor-judging")
    feedback_is_made(browser, instructor)
    told_back(browser, instructor.root / "gradebook" / "feedback" / STUDENT / MODULE / "exercises.html", shoot)


def feedback_is_made(browser, instructor: Lab) -> None:
    """Formgrader's button for one student's feedback."""
    with visitor(browser) as person:
        page = person.page
        page.goto(instructor.address)
        page.goto(f"{instructor.base}/formgrader/manage_submissions/{MODULE}")
        row = page.locator("tbody tr", has=page.get_by_text(STUDENT, exact=True))
        row.locator(".generate-feedback a").click()
        expect(page.locator(".modal-title")).to_contain_text(re.compile("success", re.I), timeout=240_000)


def told_back(browser, feedback: Path, shoot) -> None:
    """The student's page has the score and the comment."""
    with visitor(browser) as person:
        page = person.page
        page.goto(feedback.as_uri())
        expect(page.get_by_text(COMMENT)).to_be_visible()
        expect(page.get_by_text(re.compile(r"Score: 3(\.0)? / 4(\.0)?")).first).to_be_visible()
        page.get_by_text(COMMENT).scroll_into_view_if_needed()
        shoot(page, "instructor-feedback")


def test_a_solution_notebook_shows_its_tasks(browser, instructor, shoot):
    source = nbformat.read(ROOT / "solutions" / MODULE / "exercises.ipynb", as_version=4)
    tasks = [cell.metadata.nbgrader for cell in source.cells if "nbgrader" in cell.metadata]
    with visitor(browser) as person:
        page = person.page
        page.goto(instructor.page(f"solutions/{MODULE}/exercises.ipynb"))
        Notebook(page).ready("exercises.ipynb")
        page.get_by_role("tab", name="Create Assignment").click()
        panel = page.locator(".nbgrader-CreateAssignmentWidget")
        expect(panel.locator(".nbgrader-TotalPointsInput")).to_have_value(f"{sum(t.get('points', 0) for t in tasks):g}")
        ids = panel.locator(".nbgrader-CellId input").evaluate_all("boxes => boxes.map(box => box.value)")
        assert [name for name in ids if name] == [task.grade_id for task in tasks]
        panel.locator(".nbgrader-CellId input").nth(ids.index(tasks[0].grade_id)).scroll_into_view_if_needed()
        Notebook(page).cell(f"def {tasks[0].grade_id}(")
        shoot(page, "instructor-create-assignment")
