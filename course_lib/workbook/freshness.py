"""`course build --check`: is everything that is built what the text builds? Nothing is executed or written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.paths import project_root
from course_lib.workbook.assemble import assemble
from course_lib.workbook.build import NOTEBOOK_LIMIT, check_module_size, course_pages
from course_lib.workbook.compare import differences, execution_problems, has_outputs, read_if_there
from course_lib.workbook.install import leftovers
from course_lib.workbook.modules import Module, all_modules, find_modules
from course_lib.workbook.notebook_io import notebook_text, read_notebook
from course_lib.workbook.starter import stale_starter


@dataclass(frozen=True)
class Stale:
    """A built file that is not what the text builds, and how one sees it."""

    path: Path
    reasons: tuple[str, ...]


def find_stale(names: Iterable[str] = (), *, root: Path | None = None) -> list[Stale]:
    """Everything stale in the modules named (all of them when none is), the start page and the glossary.

    Solution notebooks are compared in structure, text and metadata, and must have been executed without errors;
    releases are compared byte by byte. Raises UnknownModule.
    """
    root = root or project_root()
    chosen, course = find_modules(names, root), all_modules(root)
    stale = [entry for module in chosen for entry in _stale_in_module(module, course)]
    return stale + _stale_pages(root, course)


def _stale_in_module(module: Module, course: Sequence[Module]) -> list[Stale]:
    from course_lib.workbook.release import generate_release

    try:
        plain = {name: assemble(module, name, course) for name in module.notebooks}
        files = generate_release(module, plain)
    except CourseError as error:
        return [Stale(module.solutions, tuple(str(error).splitlines()))]
    found = []
    for name, notebook in plain.items():
        path = module.solution(name)
        existing = read_if_there(path)
        if existing is None:
            reasons = ["is missing" if not path.is_file() else "is no notebook of format 4"]
        else:
            reasons = differences(notebook, existing) + execution_problems(existing)
            reasons += [] if reasons else _form(path)
        found.append(Stale(path, tuple(reasons)))
    found += [_compare_file(module.release / name, content) for name, content in files.items()]
    found += [Stale(module.release / name, (why,)) for name, why in stale_starter(module).items()]
    found += [Stale(path, ("has no text any more",)) for path in leftovers(module.release, files)]
    for folder in (module.solutions, module.release):
        try:
            check_module_size(folder)
        except CourseError as error:
            found.append(Stale(folder, (str(error),)))
    return [entry for entry in found if entry.reasons]


def _stale_pages(root: Path, course: Sequence[Module]) -> list[Stale]:
    try:
        pages = course_pages(root, course)
    except CourseError as error:
        return [Stale(root / "solutions", tuple(str(error).splitlines()))]
    found = [_compare_file(root / folder / name, pages[name]) for folder in ("solutions", "modules") for name in pages]
    return [entry for entry in found if entry.reasons]


def _form(path: Path) -> list[str]:
    """A solution notebook with the right text that the build would still write otherwise, or is too large."""
    content = path.read_bytes().replace(b"\r\n", b"\n")
    if len(content) > NOTEBOOK_LIMIT:
        return [f"is {len(content) / 1000:.0f} KB; the limit is {NOTEBOOK_LIMIT // 1000} KB"]
    return [] if notebook_text(read_notebook(path)).encode() == content else ["was saved by another program"]


def _compare_file(path: Path, content: bytes) -> Stale:
    import nbformat

    if not path.is_file():
        return Stale(path, ("is missing",))
    if path.read_bytes().replace(b"\r\n", b"\n") == content.replace(b"\r\n", b"\n"):
        return Stale(path, ())
    existing = read_if_there(path) if path.suffix == ".ipynb" else None
    if existing is None:
        return Stale(path, ("differs from the build",))
    reasons = differences(nbformat.reads(content.decode(), as_version=4), existing)
    saved = (
        "has outputs (`course build --force` clears them)" if has_outputs(existing) else "was saved by another program"
    )
    return Stale(path, tuple(reasons or [saved]))
