"""Text → executed solution notebooks: only what changed, the same bytes, and nothing stored by accident."""

from __future__ import annotations

import json
import shutil

import nbformat
import pytest

from course_lib.workbook import build as build_module
from course_lib.workbook.build import build
from course_lib.workbook.modules import UnknownModule
from tests.workbook.small_course import MODULE, edit, files_of, write


def notebook(root, name, folder="solutions"):
    return nbformat.read(root / folder / MODULE / f"{name}.ipynb", as_version=4)


def outputs(notebook) -> str:
    return "".join(o.get("text", "") for c in notebook.cells if c.cell_type == "code" for o in c.outputs)


def test_everything_is_built(built):
    names = ["lesson.ipynb", "exercises.ipynb", "quiz.ipynb"]
    for folder in ("solutions", "modules"):
        assert (built / folder / "start.ipynb").is_file()
        for name in names:
            nbformat.validate(nbformat.read(built / folder / MODULE / name, as_version=4))


def test_solutions_keep_their_outputs_and_releases_have_none(built):
    assert "rides: 3" in outputs(notebook(built, "lesson"))
    for name in ("lesson", "exercises", "quiz"):
        code = [c for c in notebook(built, name).cells if c.cell_type == "code"]
        assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
        released = [c for c in notebook(built, name, "modules").cells if c.cell_type == "code"]
        assert all(c.outputs == [] and c.execution_count is None for c in released)


def test_no_trace_of_the_machine_or_the_moment(built):
    solution = notebook(built, "exercises")
    assert solution.metadata["kernelspec"] == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert solution.metadata["language_info"] == {"name": "python"}
    assert all("execution" not in cell.metadata for cell in solution.cells)
    assert str(built) not in (built / "solutions" / MODULE / "exercises.ipynb").read_text(encoding="utf-8")


def test_the_same_text_gives_the_same_bytes(built, tmp_path):
    other = write(tmp_path / "elsewhere" / "again")
    report = build(root=other)
    assert report.problems == []
    assert files_of(other / "solutions") == files_of(built / "solutions")
    assert files_of(other / "modules") == files_of(built / "modules")


def test_a_second_build_does_nothing(built):
    before = {p: p.stat().st_mtime_ns for p in built.rglob("*.ipynb")}
    report = build(root=built)
    assert report.executed == []
    assert {entry.status for entry in report.files} == {"unchanged"}
    assert {p: p.stat().st_mtime_ns for p in built.rglob("*.ipynb")} == before


def test_prose_changes_without_an_execution(built):
    edit(built / "solutions" / MODULE / "lesson.md", "The end.", "The very end.")
    report = build(root=built)
    assert report.executed == []
    assert sorted(p.relative_to(built).as_posix() for p in report.by_status("written")) == [
        f"modules/{MODULE}/lesson.ipynb",
        f"solutions/{MODULE}/lesson.ipynb",
    ]
    lesson = notebook(built, "lesson")
    assert any("The very end." in cell.source for cell in lesson.cells)
    assert "rides: 3" in outputs(lesson)


def test_code_changes_are_executed_and_nothing_else(built):
    edit(built / "solutions" / MODULE / "lesson.md", "count = 3", "count = 4")
    report = build(root=built)
    assert report.executed == [f"{MODULE}/lesson"]
    assert "rides: 4" in outputs(notebook(built, "lesson"))


def test_force_executes_all_again(built):
    report = build(root=built, force=True)
    assert sorted(report.executed) == [f"{MODULE}/{name}" for name in ("exercises", "lesson", "quiz")]
    assert {entry.status for entry in report.files} == {"unchanged"}


def test_a_solution_that_is_no_notebook_is_built_again(built):
    path = built / "solutions" / MODULE / "lesson.ipynb"
    good = path.read_bytes()
    path.write_text("{ this is no JSON", encoding="utf-8")
    assert build(root=built).problems == []
    assert path.read_bytes() == good


def test_progress_is_told_by_notebook_and_cell(built):
    told = []
    edit(built / "solutions" / MODULE / "lesson.md", "count = 3", "count = 4")
    build(root=built, progress=lambda *what: told.append(what))
    assert told == [(f"{MODULE}/lesson", done, 6) for done in range(6)]


def lesson_with(root, code: str, tags: str = "") -> None:
    option = f":tags: [{tags}]\n\n" if tags else ""
    edit(root / "solutions" / MODULE / "lesson.md", "The end.", f"```{{code-cell}} python\n{option}{code}\n```")


def test_each_notebook_has_a_working_state_of_its_own(built):
    lesson_with(
        built,
        "import os, pathlib\n"
        "here, state = pathlib.Path.cwd(), pathlib.Path(os.environ['COURSE_STATE_DIR'])\n"
        "assert list(here.iterdir()) == [] and {p.name for p in state.iterdir()} <= {'ipython'}\n"
        "assert os.environ['SPECIAL'] == 'yes' and os.environ['MLFLOW_DISABLE_TELEMETRY'] == 'true'\n"
        "(here / 'litter.txt').write_text('x')\n"
        "print(here.name, state.name)",
    )
    report = build(root=built, env={"SPECIAL": "yes"})
    assert report.problems == []
    assert not list(built.rglob("litter.txt"))


def test_files_beside_the_text_are_there_and_are_released(built):
    (built / "solutions" / MODULE / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    lesson_with(built, "print(open('table.csv').read())")
    assert build(root=built).problems == []
    assert "a,b" in outputs(notebook(built, "lesson"))
    assert (built / "modules" / MODULE / "table.csv").read_text(encoding="utf-8") == "a,b\n1,2\n"


FAULTS = {
    "an error": ("1 / 0", "ZeroDivisionError: division by zero"),
    "stderr": ("import sys; print('careful', file=sys.stderr)", "cell 5 prints to stderr"),
    "a warning": ("import warnings; warnings.warn('old')", "cell 5 prints to stderr"),
    "a path": ("import os; print(os.getcwd())", "cell 5 shows a path of this machine"),
    "a dead kernel": ("import os; os._exit(3)", "died"),
    "too much output": (
        "print('x' * 450_000)",
        "the limit is 400 KB. Most of it, 450 KB, is printed or drawn by cell 5",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_solution_is_not_stored(built, fault):
    code, message = FAULTS[fault]
    before = files_of(built)
    lesson_with(built, code)
    report = build(root=built)
    assert len(report.problems) == 1
    assert report.problems[0].startswith(f"{MODULE}/lesson")
    assert message in report.problems[0]
    after = files_of(built)
    assert [name for name in after if after[name] != before.get(name)] == [f"solutions/{MODULE}/lesson.md"]


@pytest.mark.parametrize(
    ("tag", "code"), [("raises-exception", "1 / 0"), ("keep-stderr", "import sys; print('x', file=sys.stderr)")]
)
def test_a_tag_allows_what_a_lesson_means_to_show(built, tag, code):
    lesson_with(built, code, tags=tag)
    assert build(root=built).problems == []
    assert any(
        o.output_type == "error" or o.get("name") == "stderr"
        for c in notebook(built, "lesson").cells
        for o in c.get("outputs", [])
    )


def test_one_faulty_notebook_does_not_stop_the_others(built):
    lesson_with(built, "1 / 0")
    edit(built / "solutions" / MODULE / "exercises.md", "The end.", "The very end.")
    report = build(root=built)
    assert len(report.problems) == 1
    assert "The very end." in (built / "modules" / MODULE / "exercises.ipynb").read_text(encoding="utf-8")


def test_a_faulty_text_changes_nothing_of_its_module(built):
    before = files_of(built / "modules")
    edit(built / "solutions" / MODULE / "exercises.md", ":answer: double", ":answer: dubble")
    report = build(root=built)
    assert "exercises.md:" in report.problems[0]
    assert files_of(built / "modules") == before


def test_a_module_may_not_grow_too_large(built, monkeypatch):
    monkeypatch.setattr(build_module, "MODULE_LIMIT", 10_000)
    assert any("MB, and the limit is 0.01 MB" in problem for problem in build(root=built).problems)


def test_an_unknown_module_suggests_the_nearest(built):
    with pytest.raises(UnknownModule, match=r"there is no module “01_smal”\. Did you mean 01_small\?"):
        build(["01_smal"], root=built)


@pytest.mark.parametrize("name", ["01_small", "01", "1", "small", f"solutions/{MODULE}/"])
def test_a_module_can_be_named_in_short(built, name):
    assert {entry.path.parent.name for entry in build([name], root=built).files} >= {MODULE}


@pytest.fixture
def two(built):
    """The same with a second module, which has a lesson only."""
    second = built / "solutions" / "02_next"
    second.mkdir()
    shutil.copy(built / "solutions" / MODULE / "lesson.md", second)
    edit(second / "lesson.md", "title: A small lesson", "title: What comes next")
    report = build(root=built)
    assert report.problems == []
    assert report.executed == ["02_next/lesson"]
    return built


def test_navigation_leads_to_modules_that_exist(two):
    first = notebook(two, "quiz").cells
    assert first[0].source == (
        "[Start page](../start.ipynb) · [Lesson](lesson.ipynb) · [Exercises](exercises.ipynb) · **Quiz** · "
        "[→ 2. What comes next](../02_next/lesson.ipynb)"
    )
    assert first[-1].source == "---\n\n" + first[0].source
    second = nbformat.read(two / "modules" / "02_next" / "lesson.ipynb", as_version=4).cells[0].source
    assert second == "[← 1. A small lesson](../01_small/lesson.ipynb) · [Start page](../start.ipynb) · **Lesson**"


def test_the_start_page_lists_the_modules(two):
    page = nbformat.read(two / "modules" / "start.ipynb", as_version=4)
    rows = [line for cell in page.cells for line in cell.source.splitlines() if line.startswith("| ")]
    assert rows[1] == (
        "| 1 | **A small lesson**<br>[Lesson](01_small/lesson.ipynb) 20&nbsp;min · "
        "[Exercises](01_small/exercises.ipynb) 20&nbsp;min · [Quiz](01_small/quiz.ipynb) | What it is about. |"
    )
    assert rows[2].startswith("| 2 | **What comes next**<br>[Lesson](02_next/lesson.ipynb) 20&nbsp;min |")


def test_a_start_page_without_a_place_for_the_list(built):
    edit(built / "solutions" / "start.md", "<!-- modules -->", "")
    assert "put <!-- modules --> on a line of its own" in build(root=built).problems[0]


def test_the_command_prints_one_json_object(built, command):
    edit(built / "solutions" / MODULE / "lesson.md", "The end.", "The very end.")
    code, out, err = command("build", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["executed"] == []
    assert said["problems"] == []
    assert said["files"]["written"] == [f"solutions/{MODULE}/lesson.ipynb", f"modules/{MODULE}/lesson.ipynb"]
    assert f"written   modules/{MODULE}/lesson.ipynb" in err


def test_the_command_fails_with_the_reason(built, command):
    lesson_with(built, "1 / 0")
    code, out, err = command("build", "--json")
    assert code == 1
    assert "ZeroDivisionError" in json.loads(out)["problems"][0]
    assert "Error: 01_small/lesson: cell 5 of 6 (In [3]): ZeroDivisionError: division by zero" in err


@pytest.mark.usefixtures("built")
def test_the_command_asked_for_an_unknown_module(command):
    code, out, err = command("build", "07_smaller")
    assert (code, out) == (2, "")
    assert "there is no module “07_smaller”" in err
