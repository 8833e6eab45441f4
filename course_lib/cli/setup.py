"""Commands that look after the environment: doctor and lock."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.command()(doctor)
    app.command()(lock)


def doctor(as_json: bool = typer.Option(False, "--json", help="one JSON object on stdout")) -> None:
    """Check this machine: what is there, what differs from the lock, what is missing, and what to type."""
    from course_lib import doctor as doctors
    from course_lib.cli.console import emit
    from course_lib.paths import project_root

    findings = doctors.examine(project_root(), sandbox_problem=sandbox_problem())
    if as_json:
        emit(doctors.as_json(findings))
    else:
        show(findings)
    raise typer.Exit(0 if doctors.healthy(findings) else 1)


def sandbox_problem() -> str | None:
    """Why submissions can't be shut in a sandbox here, or None when they can."""
    from course_lib.grading.sandbox.probe import probe

    return probe().problem


def show(findings: list) -> None:
    """The table, and one last line that says whether the course will run."""
    from rich.console import Console
    from rich.table import Table

    from course_lib.doctor import OPTIONAL, healthy

    table = Table(box=None, pad_edge=False)
    for heading in ("", "part", "found", "to mend it, type"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[yellow]--[/]" if finding.kind == OPTIONAL else "[red]NO[/]"
        table.add_row(mark, finding.part, finding.found, finding.advice)
    console = Console()
    console.print(table)
    console.print(
        "\nEverything needed is here."
        if healthy(findings)
        else "\nSomething needed is missing: see the lines with NO.",
        style="bold",
    )


def lock(
    upgrade: bool = typer.Option(False, "--upgrade", help="take the newest versions that fit, not the locked ones"),
    check: bool = typer.Option(False, "--check", help="change nothing; fail when the files disagree (no network)"),
) -> None:
    """Write requirements.lock and environment.yml from pyproject.toml, and the locks of what goes on top."""
    from course_lib import lock as locks
    from course_lib.cli.console import say
    from course_lib.errors import CourseError
    from course_lib.paths import project_root

    if check:
        if found := locks.differences(project_root()):
            raise CourseError("; ".join(found) + ". `course lock` writes them again.")
        say("pyproject.toml, the locks and environment.yml agree.")
        return
    changed = locks.write_lock(project_root(), upgrade=upgrade)
    say(f"Wrote {' and '.join(changed)}." if changed else "Nothing to change.")
