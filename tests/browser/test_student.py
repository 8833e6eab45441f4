"""A student's way in a real browser: the start page, a lesson, exercises, and what is handed in."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from course_lib.paths import project_root
from tests.browser.chromium import sideways, visitor
from tests.browser.lab import Lab, Notebook, lab
from tests.browser.tripwire import Tripwire

ROOT = project_root()

# For each module a task to solve, and a wrong answer (its file) to another one that the visible tests catch.
ANSWERS = {
    "01_intro": ("duration_minutes", "score_percent"),
    "02_environment": ("unmet", "fingerprint_short"),
    "03_experiment_tracking": ("best_run", "gate_any_improvement"),
    "04_orchestration": ("run_order", "retry_everything"),
    "05_deployment": ("validate", "about_zero_minutes_said"),
    "06_monitoring": ("decide", "psi_one_sided"),
    "07_maturity": ("next_step", "assess_all_missing"),
}


@pytest.fixture(scope="module")
def student(browser, tmp_path_factory) -> Iterator[Lab]:  # noqa: ARG001  (without a browser there is nothing to start)
    """JupyterLab on a copy of what students get, started as `make lab` does. Nobody asked for anything outside."""
    root = tmp_path_factory.mktemp("course")
    ignore = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    shutil.copytree(ROOT / "modules", root / "modules", ignore=ignore)
    with Tripwire() as wire, lab(root, tmp_path_factory.mktemp("home"), extra=wire.environment) as running:
        yield running
        assert not wire.caught, f"asked for outside of this machine: {wire.caught}"


def graded(module: str, where: str = "solutions") -> dict[str, str]:
    """The code of a module's graded cells and answers, by grade id."""
    return by_grade_id(nbformat.read(ROOT / where / module / "exercises.ipynb", as_version=4))


def by_grade_id(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """The text of nbgrader's cells."""
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in notebook.cells if "nbgrader" in cell.metadata}


def wrong_answer(module: str, name: str) -> tuple[str, str]:
    """The task and the code of a wrong answer of the authors'."""
    text = (ROOT / "solutions" / module / "wrong_answers" / f"{name}.py").read_text(encoding="utf-8")
    task = re.search(r"^# task: (\w+)", text)[1]
    return task, text.split("\n\n", 1)[1].strip()


def checks_of(task: str, cells: dict[str, str]) -> dict[str, str]:
    """The test cells of a task."""
    return {name: code.strip() for name, code in cells.items() if re.fullmatch(rf"{task}-test.*", name)}


def nothing_covers(page: Page) -> None:
    """No dialog, no message in a corner."""
    assert page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts() == []


def test_from_the_start_page_through_the_first_lesson(browser, student, shoot):
    lesson = nbformat.read(ROOT / "solutions/01_intro/lesson.ipynb", as_version=4)
    pictures = sum("image/png" in out.get("data", {}) for cell in lesson.cells for out in cell.get("outputs", []))
    with visitor(browser) as person:
        page = person.page
        page.goto(student.address)
        start = Notebook(page).ready("start.ipynb")
        start.panel.get_by_role("heading", name="A model goes to work").wait_for()
        start.panel.locator(".jp-RenderedMermaid img, .jp-RenderedMermaid svg").first.wait_for()
        nothing_covers(page)
        shoot(page, "student-start")
        start.panel.get_by_role("link", name="Lesson", exact=True).first.click()
        notebook = Notebook(page).ready("lesson.ipynb")
        notebook.run_all()
        assert notebook.complaints() == []
        assert [prompt for prompt in notebook.prompts() if not re.search(r"\d", prompt)] == []
        assert pictures > 3
        notebook.has_figures(pictures)
        nothing_covers(page)
        assert sideways(page) == 0
        assert notebook.too_wide() == []
        for _ in range(3):  # cells above grow when they are drawn, and push it out of view again
            notebook.panel.locator(".jp-RenderedImage img").first.hover()
        shoot(page, "student-lesson")
        # on to the exercises, by the link at the lesson's end
        notebook.panel.get_by_role("link", name="Exercises", exact=True).last.click()
        Notebook(page).ready("exercises.ipynb")
        nothing_covers(page)


@pytest.mark.parametrize("module", [module for module in ANSWERS if module != "01_intro"])
def test_no_lesson_is_wider_than_the_screen(browser, student, module):
    """With its outputs, as the authors have run it."""
    folder = student.root / "modules" / "executed"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(ROOT / "solutions" / module / "lesson.ipynb", folder / f"{module}.ipynb")
    with visitor(browser) as person:
        person.page.goto(student.page(f"executed/{module}.ipynb"))
        notebook = Notebook(person.page).ready(f"{module}.ipynb")
        notebook.has_figures()
        assert sideways(person.page) == 0
        assert notebook.too_wide() == []


@pytest.mark.parametrize("module", ANSWERS)
def test_a_right_and_a_wrong_answer_are_told_apart_and_handed_in(browser, student, shoot, tmp_path, module):
    right, cells = ANSWERS[module][0], graded(module)
    wrong, code = wrong_answer(module, ANSWERS[module][1])
    released = graded(module, "modules")
    with visitor(browser) as person:
        page = person.page
        page.goto(student.page(f"{module}/exercises.ipynb"))
        notebook = Notebook(page).ready("exercises.ipynb")
        notebook.type_over(f"def {right}(", cells[right])
        notebook.type_over(f"def {wrong}(", code)
        assert sideways(page) == 0
        assert notebook.too_wide() == []
        nothing_covers(page)
        shoot(page, f"student-exercise-{module[:2]}")
        failed = notebook.validate()
        shoot(page, f"student-validate-{module[:2]}")
        assert [name for name, test in checks_of(right, released).items() if test in failed] == []
        caught = [failed[test] for test in checks_of(wrong, released).values() if test in failed]
        assert caught, f"no test cell of {wrong} among those that failed"
        assert all("Error: " in error for error in caught)
        notebook.close_dialog()
    checked = student.course("check", f"modules/{module}/exercises.ipynb", "--json")
    assert checked.returncode == 1, checked.stderr
    status = {task["name"]: task["status"] for task in json.loads(checked.stdout)["tasks"]}
    assert (status[right], status[wrong]) == ("passed", "failed")
    assert set(status.values()) == {"passed", "failed", "unanswered"}
    assert handed_in(student, module, tmp_path)[right] == cells[right]


def handed_in(student: Lab, module: str, folder: Path) -> dict[str, str]:
    """The code of the graded cells in what `course submit` packs, by grade id."""
    done = student.course("submit", module, "--student", "amina", "--to", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / f"amina-{module}.zip") as packed:
        return by_grade_id(nbformat.reads(packed.read("exercises.ipynb").decode(), as_version=4))
