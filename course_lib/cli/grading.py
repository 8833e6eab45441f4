"""Commands of the grading wing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from course_lib.grading.grade_class import ClassResult

Modules = Annotated[list[str] | None, typer.Argument(help="Modules, such as 01_intro; all when none is named.")]


def register(app: typer.Typer) -> None:
    """Add this wing's commands to the tree."""
    app.command()(grade)


def grade(
    modules: Modules = None,
    submissions: Annotated[
        Path, typer.Option(help="Folder of what was handed in: student/module/…, files named by student, or zips.")
    ] = Path("gradebook/submitted"),
    jobs: Annotated[
        int | None,
        typer.Option(
            help="How many to grade at once; by default 1 for each processor, on a cluster 1 for each thread."
        ),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Have a Dask cluster grade: its scheduler's address (tcp://host:8786).")
    ] = None,
    gradebook: Annotated[
        str | None,
        typer.Option(help="Another gradebook than nbgrader_config.py names, such as postgresql://user@host/grades."),
    ] = None,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Run students' code without a sandbox.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Grade again what has not changed.")] = False,
    feedback: Annotated[bool, typer.Option("--feedback", help="Write the students' feedback pages, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")] = False,
) -> None:
    """Grade a class: what is new or changed, all at once, into nbgrader's gradebook, with a class report."""
    import gc

    from course_lib.cli import early
    from course_lib.cli.console import emit, say
    from course_lib.grading.nurseries import Nursery, cores

    nursery = early.nursery()
    if nursery is None and scheduler is None and (jobs is None or jobs > 0):
        nursery = Nursery(jobs or cores(), sandboxed=not unsafe)  # first of all: what it imports takes longest
    from course_lib.grading.grade_class import grade as grade_class

    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # what a class leaves in memory is no garbage until the command ends
    with _Progress() as progress:
        result = grade_class(
            modules or [],
            submissions=submissions,
            jobs=jobs,
            unsafe=unsafe,
            force=force,
            progress=progress,
            nursery=nursery,
            scheduler=scheduler,
            gradebook=gradebook,
            say=say,
        )
    pages = _feedback(result, jobs) if feedback else 0
    if as_json:
        emit(result.as_dict() | {"feedback_pages": pages})
    else:
        _show(result, pages)
    raise typer.Exit(0 if result.complete else 1)


def _feedback(result: ClassResult, jobs: int | None) -> int:
    from course_lib.cli.console import say
    from course_lib.grading.feedback import write_feedback

    say("writing feedback …")
    return write_feedback(result.folders, result.results, jobs=jobs)


def _show(result: ClassResult, pages: int) -> None:
    """What came of it, and where it lies."""
    from course_lib.cli.console import say

    counts = ", ".join(f"{number} {status}" for status, number in sorted(result.statuses.items()))
    say(
        f"{result.graded} graded now, {result.unchanged} unchanged since, in {result.seconds:.1f} s: {counts or 'none'}"
    )
    if due := sum(score.due for score in result.scores):
        say(f"{due} answers wait for a person: `course lab --formgrader`, in its menu Nbgrader → Formgrader")
    for score in result.scores:
        if score.flags:
            say(f"look at {score.student} in {score.module}: {score.flags} flags in the report")
    for entry in result.rejected:
        say(f"NOT GRADED {entry.origin}: {entry.problem}")
    for problem, whose in _without_score(result).items():
        more = f" and {len(whose) - 3} more" if len(whose) > 4 else ""
        say(f"NO SCORE {'; '.join(whose[: 3 if more else 4])}{more}: {problem}")
    if pages:
        say(f"{pages} feedback pages")
    say(f"scores: {result.files['scores']}")
    say(f"report: {result.files['report'].absolute().as_uri()}")  # terminals open an address at a click


def _without_score(result: ClassResult) -> dict[str, list[str]]:
    """Whose notebooks have no score, by what kept them from having one."""
    found: dict[str, list[str]] = {}
    for submission in result.results:
        for notebook in submission.notebooks:
            if notebook.status == "infra_error":
                name = f"{submission.student}, {submission.module}/{notebook.name}"
                found.setdefault(notebook.problem, []).append(name)
    return found


class _Progress:
    """A bar with the time left, on stderr, where somebody watches."""

    def __init__(self) -> None:
        self.bar = None

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: int, total: int, result: object) -> None:
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, unit="hand-in", desc="grading", disable=None)
        self.bar.update(done - self.bar.n)
        if result is not None:
            self.bar.set_postfix_str(getattr(result, "student", ""))
