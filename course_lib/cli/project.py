"""Commands over the whole course: `course all`, the main job, and `course test`."""

from __future__ import annotations

import os
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.command("all")(everything)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(test)


def everything(
    jobs: Annotated[int | None, typer.Option(min=1, help="Notebooks at a time. Default: one per processor.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Run the whole course once: data, notebooks, the model, a sample class graded, and one screen that sums it up."""
    from course_lib.cli.console import emit
    from course_lib.cli.everything import run_everything, show_summary

    steps = run_everything(jobs)
    if as_json:
        emit({"ok": all(step.ok for step in steps), "steps": [step.as_dict() for step in steps]})
    show_summary(steps)
    if not all(step.ok for step in steps):
        raise typer.Exit(1)


def test(context: typer.Context) -> None:
    """Run every check: package, modules, notebooks against their stored outputs. More words go on to pytest."""
    from course_lib.cli import suite
    from course_lib.cli.warm import use_warm_kernels
    from course_lib.paths import project_root

    use_warm_kernels()
    environment = {**os.environ, "TAXI_DATA": "simulated"}
    if context.args:
        raise typer.Exit(suite.pytest(context.args, project_root(), environment))
    # Notebooks are compared cell by cell with what is stored (nbval); a notebook's cells stay on one worker.
    what = ["--nbval", "--nbval-cell-timeout", "300", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
    # a capstone is a project of its own: its notebook is broken on purpose, its tests are run by its assessor
    what += ["tests", "solutions", "--ignore-glob", "solutions/*/capstone"]
    raise typer.Exit(suite.run(what, ["-n", "auto", "--dist", "loadscope"], project_root(), environment))
