"""Build the workbook: text → executed solution notebooks → what students open. Only what changed is done.

There is no record of earlier builds: what is stale is seen by putting each notebook together again and
comparing. Prose may change without an execution, since a run of the same code gives the same outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.paths import project_root
from course_lib.workbook.assemble import assemble, assemble_start
from course_lib.workbook.compare import carry_outputs, execution_problems, read_if_there, same_code, same_text
from course_lib.workbook.execute import execute
from course_lib.workbook.files import write_bytes
from course_lib.workbook.glossary import assemble_glossary
from course_lib.workbook.install import REFUSED, UNCHANGED, Installed, install
from course_lib.workbook.modules import Module, all_modules, find_modules
from course_lib.workbook.notebook_io import notebook_text
from course_lib.workbook.pristine import embed
from course_lib.workbook.starter import install_starter

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOK_LIMIT = 400_000  # bytes, a solution notebook with its outputs
MODULE_LIMIT = 2_000_000  # bytes, all files of a module in solutions/ or in modules/

# told what happens: (notebook's name, cells done, cells), before each cell
Progress = Callable[[str, int, int], None]


class BuildFailed(CourseError):
    """Some notebooks could not be built; the others were."""


@dataclass
class BuildReport:
    """What a build did: files by what became of them, and what went wrong."""

    files: list[Installed] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def by_status(self, status: str) -> list[Path]:
        """The files that ended in this way."""
        return [entry.path for entry in self.files if entry.status == status]


def build(
    names: Iterable[str] = (),
    *,
    root: Path | None = None,
    force: bool = False,
    env: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Build the modules named (all of them when none is), the start page and the glossary.

    ``force`` executes everything again and replaces releases that somebody edited (a copy stays). ``env`` is
    added to the environment of every notebook. A module that can't be built doesn't stop the others: look at
    the report's ``problems``. Raises UnknownModule.
    """
    root = root or project_root()
    chosen, course = find_modules(names, root), all_modules(root)
    report = BuildReport()
    for module in chosen:
        try:
            _build_module(module, course, report, force=force, env=env or {}, progress=progress)
        except CourseError as error:
            report.problems.append(str(error))
    try:
        _build_pages(root, course, report, force)
    except CourseError as error:
        report.problems.append(str(error))
    report.problems += [
        f"{entry.path} {entry.note}, so it was not replaced. Keep what you need of it, then "
        "`course build --force` replaces it (and keeps a copy)."
        for entry in report.files
        if entry.status == REFUSED
    ]
    return report


def _build_module(
    module: Module,
    course: Sequence[Module],
    report: BuildReport,
    *,
    force: bool,
    env: Mapping[str, str],
    progress: Progress | None,
) -> None:
    from course_lib.workbook.release import generate_release, support_contents

    plain = {name: assemble(module, name, course) for name in module.notebooks}
    # first the release: it needs no execution, and says at once when nbgrader can't take the text
    files = generate_release(module, plain)
    support = support_contents(module)
    failed = set()
    for name, notebook in plain.items():
        title = f"{module.name}/{name}"
        existing = None if force else read_if_there(module.solution(name))
        built = _reuse(notebook, existing)
        try:
            if built is None:
                tell = partial(progress, title) if progress else None
                built = execute(notebook, title, files=support, env=env, progress=tell)
                report.executed.append(title)
            report.files.append(_write(module.solution(name), _sized(title, built)))
        except CourseError as error:
            report.problems.append(str(error))
            failed.add(f"{name}.ipynb")
    # what does not run for us is not for students
    report.files += install(module.release, files, leave=failed, force=force)
    report.files += install_starter(module)
    for folder in (module.solutions, module.release):
        check_module_size(folder)


def _reuse(notebook: NotebookNode, existing: NotebookNode | None) -> NotebookNode | None:
    """The notebook with outputs that are still good, or None when it has to be executed."""
    if existing is None or execution_problems(existing) or not same_code(notebook, existing):
        return None
    return existing if same_text(notebook, existing) else carry_outputs(existing, notebook)


def _build_pages(root: Path, course: Sequence[Module], report: BuildReport, force: bool) -> None:
    """The pages that belong to no module, for students in modules/ and for instructors in solutions/."""
    pages = course_pages(root, course)
    report.files += [_write(root / "solutions" / name, content) for name, content in pages.items()]
    report.files += install(root / "modules", pages, force=force)


def course_pages(root: Path, course: Sequence[Module]) -> dict[str, bytes]:
    """The start page and the glossary by file name; none where ``solutions/start.md`` is missing.

    Raises TextError where the text of the start page, or of a lesson with terms, is wrong.
    """
    text = root / "solutions" / "start.md"
    if not text.is_file():
        return {}
    pages = {"start.ipynb": assemble_start(text, course), "glossary.ipynb": assemble_glossary(course)}
    return {name: notebook_text(embed(page)).encode() for name, page in pages.items()}


def _write(path: Path, content: bytes) -> Installed:
    if path.is_file() and path.read_bytes().replace(b"\r\n", b"\n") == content:
        return Installed(path, UNCHANGED)
    write_bytes(path, content)
    return Installed(path, "written")


def _sized(title: str, notebook: NotebookNode) -> bytes:
    content = notebook_text(notebook).encode()
    if len(content) > NOTEBOOK_LIMIT:
        raise BuildFailed(
            f"{title} would be {len(content) / 1000:.0f} KB with its outputs, and the limit is "
            f"{NOTEBOOK_LIMIT // 1000} KB. {_largest_output(notebook)}"
        )
    return content


def _largest_output(notebook: NotebookNode) -> str:
    sizes = [
        (len(str(cell.outputs)), number) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code"
    ]
    size, number = max(sizes, default=(0, 0))
    return f"Most of it, {size / 1000:.0f} KB, is printed or drawn by cell {number}."


def check_module_size(folder: Path) -> None:
    """Raises BuildFailed when a module's folder is larger than it may be."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".bak")
    if size > MODULE_LIMIT:
        raise BuildFailed(f"{folder} holds {size / 1e6:.1f} MB, and the limit is {MODULE_LIMIT / 1e6:g} MB.")
