"""The command `course site`: the workbook as pages to read, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(site)


def site(
    folder: Annotated[Path | None, typer.Option(help="Where the pages go. Default: build/site.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the first page in a browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Build every page again, not only what changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Build the workbook as pages to read: lessons with their outputs, exercises, quizzes, glossary. Offline.

    Nothing is executed. Exit 1 when a page has a problem or a link leads nowhere.
    """
    from course_lib.cli.console import emit, say
    from course_lib.cli.progress import count_progress
    from course_lib.paths import build_dir, project_root
    from course_lib.workbook.site.build import SiteFailed, build_site

    target = (folder or build_dir() / "site").absolute()
    say(f"building {target}")
    with count_progress("pages", "step") as progress:
        report = build_site(project_root(), target, force=force, progress=progress)
    if as_json:
        emit(report.as_dict())
    for note in report.notes:
        say(f"not complete: {note}")
    if report.problems:
        raise SiteFailed("\n".join(["the site was built, but:", *report.problems]))
    say(f"{report.pages} pages, {report.written} written, {report.bytes / 1e6:.1f} MB, {report.seconds:.1f} s")
    say(f"Read it: {report.index.as_uri()}")
    if open_it:
        _open(report.index)


def _open(index: Path) -> None:
    import webbrowser

    from course_lib.cli.console import say

    if not webbrowser.open(index.as_uri()):
        say("no browser could be opened here; open the address above yourself")
