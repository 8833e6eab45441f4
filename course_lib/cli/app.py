"""The command tree. Each wing's commands live in a file of their own beside this one."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence

import typer

# In the order in which `course --help` lists them: each file, and the commands that it adds.
WINGS = {
    "project": ("all", "test"),
    "setup": ("doctor", "lock"),
    "data": ("data",),
    "taxi": ("train",),
    "models": ("models",),
    "backfill": ("backfill",),
    "serve": ("serve", "rollout"),
    "score": ("score",),
    "monitor": ("monitor",),
    "governance": ("card",),
    "maturity": ("maturity",),
    "capstone": ("capstone",),
    "student": ("lab", "run", "check", "submit", "update", "publish"),
    "workbook": ("build", "verify"),
    "site": ("site",),
    "grading": ("grade",),
}


def tree(wings: Iterable[str] = WINGS) -> typer.Typer:
    """The commands of these wings."""
    app = typer.Typer(
        name="course",
        help="Machine learning into production: set up, build, run, check and grade the workbook.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_course)  # without one, a tree of a single command would be that command
    for wing in wings:
        importlib.import_module(f"course_lib.cli.{wing}").register(app)
    return app


def tree_for(words: Sequence[str]) -> typer.Typer:
    """What a command line needs: the wing of its command, or all of them for help and for what is no command.

    Importing all of them takes longer than some commands do.
    """
    wing = next((wing for wing, commands in WINGS.items() if words and words[0] in commands), None)
    return tree() if wing is None else tree([wing])


def _course() -> None:
    pass
