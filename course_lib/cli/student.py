"""Commands for working through the course: run, check, submit, the lab, and how the course arrives."""

from __future__ import annotations

import typer

from course_lib.cli.check import check
from course_lib.cli.handout import publish, update
from course_lib.cli.lab import lab
from course_lib.cli.run import run
from course_lib.cli.submit import submit


def register(app: typer.Typer) -> None:
    """Add this wing's commands to the tree."""
    app.command()(lab)
    app.command()(run)
    app.command()(check)
    app.command()(submit)
    app.command()(update)
    app.command()(publish)
