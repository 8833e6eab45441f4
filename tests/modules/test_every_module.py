"""What must be true of every module, whoever writes it: it is whole, built, proven, and keeps its secrets."""

from __future__ import annotations

import re

import pytest

from course_lib.cli.workbook import BUILD_ENV
from course_lib.workbook.build import MODULE_LIMIT, NOTEBOOK_LIMIT
from course_lib.workbook.freshness import find_stale
from course_lib.workbook.modules import NOTEBOOKS
from course_lib.workbook.scoring import tasks_of, written_points
from course_lib.workbook.verify import verify
from tests.modules.every import MODULES, ROOT, code_cells, headings, imports, links, notebook, texts
from tests.workbook.secrets_of import leaks

# the three notebooks, and the pages that belong to no module
PAGES = [ROOT / "modules" / name for name in ("start.ipynb", "glossary.ipynb")]
every = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def test_there_are_modules():
    """Otherwise nothing below looks at anything."""
    assert MODULES
    assert [module.number for module in MODULES] == list(range(1, len(MODULES) + 1))


@every
def test_it_is_whole(module):
    assert module.notebooks == list(NOTEBOOKS)
    for name in NOTEBOOKS:
        assert module.solution(name).is_file()
        assert module.released(name).is_file()


@every
def test_everything_is_built_from_the_text(module):
    stale = find_stale([module.name], root=ROOT)
    assert not stale, "\n".join(f"{entry.path}: {'; '.join(entry.reasons)}" for entry in stale)


@every
def test_every_task_proves_itself(module):
    report = verify([module.name], root=ROOT, env=BUILD_ENV)
    assert report.all_problems() == []
    assert report.tasks


@every
def test_nothing_secret_reaches_students(module):
    assert leaks(module.solutions, module.release) == []


@every
def test_nothing_but_what_students_need_reaches_them(module):
    strange = {
        p.relative_to(module.release).as_posix()
        for p in module.release.rglob("*")
        if p.suffix in (".md", ".yml", ".py") or p.name == "wrong_answers"
    }
    assert strange <= {"capstone/TASK.md"}


@every
def test_points_add_up(module):
    for name, points in (("exercises", 20), ("quiz", 10)):
        solution = notebook(module.solution(name))
        assert sum(task.points for task in tasks_of(solution)) + written_points(solution) == points


@every
def test_sizes_stay_in_the_budget(module):
    for folder in (module.solutions, module.release):
        files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".bak"]
        assert sum(path.stat().st_size for path in files) <= MODULE_LIMIT
        assert all(path.stat().st_size <= NOTEBOOK_LIMIT for path in files if path.suffix == ".ipynb")


@every
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_only_the_taxi_wing_and_libraries_are_imported(module, name):
    ours = {
        found for cell in code_cells(module, name) for found in imports(cell.source) if found.startswith("course_lib")
    }
    assert {found for found in ours if not found.startswith("course_lib.taxi")} == set()


@every
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_begins_with_one_title(module, name):
    titles = [
        line for text in texts(module, name) for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines()
        if line.startswith("# ")
    ]  # fmt: skip
    assert len(titles) == 1, titles
    assert headings(module, name)[0] == titles[0].removeprefix("# ").strip()


@every
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_lead_somewhere(module, name):
    for folder in (module.solutions, module.release):
        broken = [link for text in texts(module, name) for link in links(text) if not _resolves(folder, link)]
        assert broken == [], f"in {folder}"


def test_the_pages_links_lead_somewhere():
    for page in PAGES:
        cells = [cell.source for cell in notebook(page).cells]
        broken = [link for text in cells for link in links(text) if not _resolves(page.parent, link)]
        assert broken == [], page.name


@every
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_pictures_say_what_they_show(module, name):
    """For readers who can't see them: alternative text in Markdown and HTML."""
    for text in texts(module, name):
        assert not re.search(r"!\[\s*\]\(", text), text
        assert not [tag for tag in re.findall(r"<img [^>]*>", text) if not re.search(r'alt="[^"]+"', tag)]


def _resolves(folder, link: str) -> bool:
    if re.match(r"https?://[\w.-]+\.\w+(/|$|#|\?)", link):
        return True
    path = link.partition("#")[0]
    return bool(path) and "://" not in path and (folder / path).exists()
