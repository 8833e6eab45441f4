"""Build the site: write the sources, let Sphinx make the pages, and look whether the pages are whole."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError, UsageError
from course_lib.workbook.files import write_bytes
from course_lib.workbook.pages import mermaid_script
from course_lib.workbook.site.checks import page_problems
from course_lib.workbook.site.contents import Contents, contents
from course_lib.workbook.site.settings import settings
from course_lib.workbook.site.sources import write_sources

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ANSI = re.compile(r"\x1b\[[0-9;]*m")

Progress = Callable[[int, int], None]  # (steps done, steps in all): a page counts when read and when written


class SiteFailed(CourseError):
    """The site could not be built, or is not whole; the message lists what is wrong with which page."""


@dataclass
class SiteReport:
    """What one build did."""

    index: Path
    pages: int = 0
    changed: list[str] = field(default_factory=list)  # sources that are new or changed since the last build
    written: int = 0  # pages written anew
    bytes: int = 0
    notes: list[str] = field(default_factory=list)  # what this checkout cannot show
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**self.__dict__, "index": str(self.index), "seconds": round(self.seconds, 1)}


def build_site(root: Path, folder: Path, *, force: bool = False, progress: Progress | None = None) -> SiteReport:
    """Build the site of the checkout in ``root`` into ``folder``; only what changed, unless ``force``.

    Sphinx's own notes lie beside it, in ``.<folder>-work``. Nothing is executed. Raises CourseError when there is
    nothing to read or a source is broken, SiteFailed when Sphinx gives up, UsageError for a folder with something else
    in it; problems that leave a site are reported.
    """
    from filelock import FileLock, Timeout

    started = time.perf_counter()
    site = contents(root)
    work = folder.parent / f".{folder.name}-work"
    _check_folder(folder, work)
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            report = _build(site, folder, work, force, progress)
    except Timeout:
        raise CourseError(f"another `course site` is writing {folder}; wait until it has ended.") from None
    report.seconds = time.perf_counter() - started
    return report


def _build(site: Contents, folder: Path, work: Path, force: bool, progress: Progress | None) -> SiteReport:
    source = work / "source"
    changed = write_sources(site, source)
    script = source / "_static" / "mermaid.js"
    if not script.is_file():
        write_bytes(script, mermaid_script().encode())
    written, warnings = _run_sphinx(source, folder, work, force, progress, len(site.pages))
    report = SiteReport(folder / "index.html", len(site.pages), written=written, notes=site.missing)
    report.changed = [path.relative_to(source).as_posix() for path in changed]
    report.problems = warnings + page_problems(folder)
    report.bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return report


def _run_sphinx(
    source: Path, folder: Path, work: Path, force: bool, progress: Progress | None, pages: int
) -> tuple[int, list[str]]:
    """How many pages were written, and Sphinx's warnings, one a line."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    told = io.StringIO()
    try:
        with patch_docutils(str(work)), docutils_namespace():
            app = Sphinx(
                str(source),
                None,
                str(folder),
                str(work / "doctrees"),
                "html",
                confoverrides=settings(source),
                status=None,
                warning=told,
                freshenv=force,
            )
            steps = _Steps(app, pages, progress)
            app.build(force_all=force)
    except (SphinxError, OSError) as error:
        raise SiteFailed(f"{folder} could not be built: {error}") from error
    warnings = _ANSI.sub("", told.getvalue()).replace(f"{source}{os.sep}", "").splitlines()
    lines = [line for line in warnings if line.strip()]
    if app.statuscode and not lines:
        lines = ["Sphinx ended with an error and did not say which."]
    if lines:
        # Sphinx warns of what it reads, and what it knows it does not read again: let it forget, and warn again
        shutil.rmtree(work / "doctrees", ignore_errors=True)
    return steps.written, lines


class _Steps:
    """Counts pages as Sphinx reads and writes them, and tells the progress."""

    def __init__(self, app: Sphinx, pages: int, progress: Progress | None) -> None:
        self.written = 0
        self._read, self._all, self._progress = pages, 2 * pages, progress
        app.connect("env-before-read-docs", self._begin)
        app.connect("source-read", self._one_read)
        app.connect("html-page-context", self._one_written)

    def _begin(self, _app: object, _env: object, names: list[str]) -> None:
        self._read = self._all // 2 - len(names)

    def _one_read(self, *_: object) -> None:
        self._read += 1
        self._tell()

    def _one_written(self, _app: object, name: str, *_: object) -> None:
        if name != "search":
            self.written += 1
            self._tell()

    def _tell(self) -> None:
        if self._progress:
            self._progress(min(self._read + self.written, self._all), self._all)


def _check_folder(folder: Path, work: Path) -> None:
    """Refuse to build into a folder that holds something else: the build removes pages that are none of its own."""
    if folder.is_dir() and any(folder.iterdir()) and not work.is_dir():
        raise UsageError(f"{folder} is not empty and was not made by `course site`. Empty it, or name another folder.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder.")


def transferred(path: Path) -> int:
    """Bytes of a file as a web server sends it: text compressed, pictures and fonts as they are."""
    content = path.read_bytes()
    return len(gzip.compress(content, 6)) if path.suffix in {".html", ".css", ".js", ".svg"} else len(content)
