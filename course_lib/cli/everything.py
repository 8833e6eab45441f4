"""The main job: the course from its data to a graded class, on the same code that its users run.

Each step says what it does while it runs, and leaves one line for the summary. A step that fails doesn't
hide the others; what needs it is skipped and says so.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course_lib.cli.console import say
from course_lib.errors import CourseError
from course_lib.paths import build_dir, project_root

TRAIN, VALID = "2021-01", "2021-02"


@dataclass
class Step:
    """What one step did: a line for people, figures for programs."""

    name: str
    result: str = ""
    seconds: float = 0.0
    ok: bool = True
    figures: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def run_everything(jobs: int | None = None) -> list[Step]:
    """All steps in order. Never raises for a step that fails: look at ``ok``."""
    from course_lib.cli import operate
    from course_lib.cli.warm import use_warm_kernels

    use_warm_kernels()
    jobs = jobs or default_jobs()
    work: list[tuple[str, Callable[[Step], None]]] = [
        ("Data", _data),
        ("Notebooks built", _build),
        ("Notebooks run", lambda step: _run(step, jobs)),
        ("Model", _train),
        ("Pipeline", operate.pipeline),
        ("Service", operate.serve),
        ("Monitoring", operate.watch),
        ("Model card", operate.card),
        ("Sample class", lambda step: _grade(step, jobs)),
    ]
    steps = []
    for number, (name, action) in enumerate(work, 1):
        step, started = Step(name), time.perf_counter()
        say(f"\n[{number}/{len(work)}] {name}")
        try:
            action(step)
        except CourseError as error:
            step.ok, step.result = False, str(error)
            say(f"Error: {error}")
        step.seconds = round(time.perf_counter() - started, 1)
        steps.append(step)
    return steps


def default_jobs() -> int:
    """As many notebooks at a time as `course run` takes."""
    from course_lib.workbook.run import default_jobs as jobs

    return jobs()


def _data(step: Step) -> None:
    from course_lib.taxi import sources, trips

    rows = {}
    for month in (TRAIN, VALID):
        rows[month] = len(trips.load(month))
        say(f"{month}: {rows[month]:,} trips")
    source = sources.choose().name
    step.figures = {"rows": rows, "source": source}
    step.result = f"{sum(rows.values()):,} {source} trips of {TRAIN} and {VALID}"


def _build(step: Step) -> None:
    from course_lib.cli.progress import CellProgress
    from course_lib.cli.workbook import BUILD_ENV
    from course_lib.workbook.build import build
    from course_lib.workbook.modules import all_modules

    if not all_modules(project_root()):
        step.result = "nothing to build: this copy holds the students' notebooks only"
        return
    with CellProgress() as progress:
        report = build(root=project_root(), env=BUILD_ENV, progress=progress)
    if report.problems:
        raise CourseError("\n".join(report.problems))
    step.figures = {"files": len(report.files), "executed": report.executed}
    fresh = len(report.by_status("unchanged"))
    step.result = f"{len(report.files)} files, {fresh} of them up to date"


def _run(step: Step, jobs: int) -> None:
    from course_lib.cli.run_progress import run_progress
    from course_lib.workbook.modules import all_modules
    from course_lib.workbook.run import find_notebooks, run_notebooks

    root = project_root()
    released = sorted((root / "modules").glob("*/lesson.ipynb"))
    files = find_notebooks(root=root) if all_modules(root) else released
    with run_progress() as progress:
        results = run_notebooks(files, jobs=jobs, progress=progress)
    failed = [result for result in results if not result.ok]
    figures = sum(len(result.figures) for result in results)
    step.figures = {"notebooks": [result.as_dict() for result in results]}
    if failed:
        raise CourseError("\n".join(f"{r.title}, {r.failure.where()}: {r.failure.headline()}" for r in failed))
    step.result = f"{len(results)} lessons and solutions, top to bottom, with {figures} pictures"
    step.places = {"Executed lessons": build_dir() / "executed", "Their pictures": build_dir() / "figures"}


def _train(step: Step) -> None:
    from course_lib.cli.taxi import register_best, show
    from course_lib.taxi import training

    report = training.train(TRAIN, VALID, progress=say)
    show(report)
    registered = register_best(report)
    best, rule = report.scores.loc[report.best], report.scores.loc["rule_of_thumb"]
    step.figures = report.as_dict() | {"registered": registered}
    step.result = (
        f"{report.best}: off by {best['rmse']:.2f} minutes (RMSE), the rule of thumb by {rule['rmse']:.2f}; "
        f"{best['within_5']:.0%} of rides within 5 minutes, against {rule['within_5']:.0%}; "
        f"registered as {registered['name']}, version {registered['version']}"
    )


def _grade(step: Step, jobs: int) -> None:
    """Grade a made-up class whose points are known beforehand: grading is right, or this step fails."""
    from course_lib.cli.progress import count_progress
    from course_lib.grading.coursefolders import plain_folders
    from course_lib.grading.grade_class import grade
    from course_lib.grading.sandbox import probe
    from course_lib.workbook.modules import all_modules
    from course_lib.workbook.sample_class import sample_class

    modules, folder = all_modules(project_root()), build_dir() / "sample_class"
    if not modules:
        step.result = "no class to grade: this copy holds the students' notebooks only"
        return
    shutil.rmtree(folder, ignore_errors=True)
    expected = {module.name: sample_class(module, folder / "handed_in") for module in modules}
    # These answers are the course's own, so where there is no sandbox they may run without one.
    sandboxed = probe.probe().available
    if not sandboxed:
        say("no sandbox here: the sample answers, which are our own, run without one")
    with count_progress("grading", "hand-in") as tell:
        result = grade(
            submissions=folder / "handed_in",
            folders=plain_folders(folder),
            jobs=jobs,
            unsafe=not sandboxed,
            progress=(lambda done, total, _: tell(done, total)) if tell else None,
        )
    earned = {(r.module, r.student, n.name): n.points for r in result.results for n in r.notebooks}
    wrong = [
        f"{module}, {student.name}, {notebook}: {earned.get((module, student.name, notebook))} points, "
        f"and {points:g} are right"
        for module, students in expected.items()
        for student in students
        for notebook, points in student.points.items()
        if (module, student.name, notebook) in earned and abs(earned[module, student.name, notebook] - points) > 1e-6
    ]
    if wrong or not result.complete:
        raise CourseError("\n".join(wrong) or f"not everything could be graded: {result.statuses}")
    shares = [handed_in.points / handed_in.max_points for handed_in in result.results]
    step.figures = result.as_dict()
    step.result = (
        f"{len(shares)} hand-ins, each with just the points it deserves: "
        f"{min(shares):.0%} to {max(shares):.0%}, {sum(shares) / len(shares):.0%} on average"
    )
    step.places["Class report"] = result.files["report"]


def show_summary(steps: list[Step]) -> None:
    """One screen: what was run, how long, what came out, where it lies, what to type next."""
    from rich.console import Console
    from rich.table import Table

    from course_lib.cli.run import shown

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for step in steps:
        mark = "" if step.ok else "FAILED: "
        table.add_row(step.name, mark + step.result, f"{step.seconds:.0f} s")
    table.add_row("Together", "", f"{sum(step.seconds for step in steps):.0f} s")
    console = Console(stderr=True, highlight=False)
    console.rule("The course, once around")
    console.print(table)
    console.print()
    for what, place in (entry for step in steps for entry in step.places.items()):
        console.print(f"{what:24} {shown(place)}", soft_wrap=True)
    good = all(step.ok for step in steps)
    next_step = "Next, type: make lab (the workbook), or make serve (the rider's page)"
    console.print(f"\n{next_step if good else 'Something failed: see the lines above.'}", style="bold")
