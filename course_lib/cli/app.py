"""The command tree. Each wing's commands live in a file of their own beside this one."""

from __future__ import annotations

import importlib

import typer

app = typer.Typer(
    name="course",
    help="Machine learning into production: set up, build, run, check and grade the workbook.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# In the order in which `course --help` lists them.
for wing in (
    "project",
    "setup",
    "data",
    "taxi",
    "models",
    "backfill",
    "serve",
    "score",
    "monitor",
    "governance",
    "maturity",
    "capstone",
    "student",
    "workbook",
    "site",
    "grading",
):
    importlib.import_module(f"course_lib.cli.{wing}").register(app)
