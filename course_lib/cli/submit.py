"""The command `course submit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def submit(
    module: Annotated[str | None, typer.Argument(help="Module, such as 01_intro; the one you worked in.")] = None,
    student: Annotated[
        str | None, typer.Option(help="Your id in the course. Default: $COURSE_STUDENT, else your login.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Folder for the zip. Default: $COURSE_SUBMIT_TO, else the current one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Pack a module's exercises and quiz into one zip for upload."""
    import os

    from course_lib.cli.console import emit, say
    from course_lib.errors import UsageError
    from course_lib.workbook.submit import submit as pack

    drop = os.environ.get("COURSE_SUBMIT_TO") if to is None else None
    if drop and student is not None:
        raise UsageError("here you hand in under the name that you logged in with; leave --student out")
    packed = pack(module, student=student, to=Path(drop) if drop else to)
    for name in packed.missing:
        say(f"Not there, so not packed: {name}")
    for name, waiting in packed.untouched.items():
        say(f"{name}: still unanswered: {', '.join(waiting)}")
    damaged = _damage(packed.module, packed.files)
    if drop:
        say(f"Handed in as {packed.student}: your instructor takes it from {packed.path}")
    else:
        say(f"Handed in as {packed.student}. Another id: course submit {packed.module} --student YOUR_ID")
        say(f"Upload this file: {packed.path}")
    if as_json:
        emit(
            {
                "student": packed.student,
                "module": packed.module,
                "zip": str(packed.path),
                "files": packed.files,
                "unanswered": packed.untouched,
                "missing": packed.missing,
                "damaged": damaged,
            }
        )


def _damage(module: str, files: list[str]) -> dict[str, list[str]]:
    """Tell what graders would have to put right, and how to do it oneself; nothing is refused for it."""
    from course_lib.cli.console import say
    from course_lib.errors import CourseError
    from course_lib.paths import project_root
    from course_lib.workbook.check import damage

    damaged = {}
    for name in files:
        path = project_root() / "modules" / module / name
        try:
            found = [finding.text for finding in damage(path)]
        except CourseError as error:  # the zip is written; what the check could not tell is no reason to fail
            found = [str(error)]
        if found:
            damaged[name] = found
            say(f"{name}: not as it was released, `course check modules/{module}/{name} --repair` puts it right:")
            for text in found:
                say(f"  - {text}")
    return damaged
