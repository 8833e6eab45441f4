"""The commands `course publish` and `course update`: how a course reaches its students, and reaches them again."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def publish(
    repository: Annotated[str, typer.Argument(help="Bare Git repository: a path, made if need be, or an address.")],
    as_json: Json = False,
) -> None:
    """Publish what students get, without solutions, as a Git repository that `course update` takes it from."""
    from dataclasses import asdict

    from course_lib.cli.console import emit, say
    from course_lib.paths import project_root
    from course_lib.workbook.publish import publish as publish_course

    done = publish_course(project_root(), repository)
    say(f"Published in {repository}." if done.new else f"{repository} has this state of the course already.")
    say(f"Students: git clone {repository} workbook, and later, in that folder, course update")
    if as_json:
        emit(asdict(done))


def update(
    repository: Annotated[
        str | None, typer.Option("--from", help="Where the course is published. Default: where your copy came from.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring your copy of the course up to date; your answers, notes and changed files stay."""
    from dataclasses import asdict

    from course_lib.cli.console import emit, say
    from course_lib.paths import project_root
    from course_lib.workbook.handout import hand_out
    from course_lib.workbook.handout_note import told, write_note

    root = project_root()
    done = hand_out(root, repository)
    write_note(root, done)
    for line in told(done):
        say(line)
    if not done.first and (done.merged or done.renewed):
        say("A notebook that is open in JupyterLab: File → Reload Notebook from Disk, before you save.")
    if as_json:
        emit(asdict(done))
