"""Run notebooks as anyone would, from top to bottom, each on its own, and keep what came out as pages."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError, UsageError
from course_lib.paths import build_dir, project_root
from course_lib.workbook.failures import Failure
from course_lib.workbook.files import write_text
from course_lib.workbook.modules import NOTEBOOKS, find_modules
from course_lib.workbook.notebook_io import NotANotebook, kernel_name, read_notebook, write_notebook
from course_lib.workbook.workers import Event, spread

CELL_TIMEOUT = 600.0  # seconds
FRONT_PAGES = ("start", "glossary")  # notebooks beside the modules' folders, not run, only shown


@dataclass
class RunResult:
    """What became of one notebook.

    ``executed`` and ``page`` are files with all its outputs; after a failure, what there was until then, under
    names that say so (``lesson.failed.ipynb``). ``seconds`` is the time to run it, without starting the worker;
    ``cell_seconds`` maps a code cell's number to its time.
    """

    module: str
    name: str
    source: Path
    seconds: float = 0.0
    cells: int = 0
    executed: Path | None = None
    page: Path | None = None
    figures: list[Path] = field(default_factory=list)
    cell_seconds: dict[int, float] = field(default_factory=dict)
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """True when every cell ran."""
        return self.failure is None

    @property
    def title(self) -> str:
        """Module and notebook, such as ``01_intro/lesson``."""
        return f"{self.module}/{self.name}"

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"notebook": self.title, "ok": self.ok} | asdict(self)


@dataclass(frozen=True)
class Progress:
    """What `run_notebooks` tells while it works: ``kind`` is started, cell or finished.

    For ``cell``: ``done`` of ``cells`` code cells have begun, the last one with the text ``source``.
    """

    kind: str
    title: str
    done: int = 0
    cells: int = 0
    source: str = ""
    result: RunResult | None = None


@dataclass(frozen=True)
class _Job:
    module: str
    name: str
    source: Path
    parameters: Mapping[str, Any]
    output: Path
    timeout: float | None
    environment: Mapping[str, str]


def find_notebooks(
    targets: Iterable[str] = (), kinds: Sequence[str] = NOTEBOOKS, root: Path | None = None
) -> list[Path]:
    """The notebooks meant: modules' solution notebooks of these kinds, and single ``.ipynb`` files as named.

    Raises UsageError for an unknown module, and CourseError where a solution notebook was not built.
    """
    root = root or project_root()
    targets = list(targets)
    files = [Path(target) for target in targets if target.endswith(".ipynb")]
    names = [target for target in targets if not target.endswith(".ipynb")]
    modules = find_modules(names, root) if names or not targets else []
    if not targets and not modules:
        raise UsageError(
            "this copy of the course has no solution notebooks to run. "
            "Name a notebook instead, for example: course run modules/01_intro/lesson.ipynb"
        )
    wanted = [(module, kind) for module in modules for kind in module.notebooks if kind in kinds]
    if missing := [f"{m.name}/{kind}" for m, kind in wanted if not m.solution(kind).is_file()]:
        raise CourseError(f"not built yet: {', '.join(missing)}. `course build` builds them.")
    if not (found := [module.solution(kind) for module, kind in wanted] + files):
        raise UsageError(f"{', '.join(names) or 'this copy of the course'} has no {' or '.join(kinds)}.")
    return found


def run_notebooks(
    notebooks: Iterable[Path],
    *,
    parameters: Mapping[str, str] | None = None,
    jobs: int = 1,
    output: Path | None = None,
    timeout: float | None = CELL_TIMEOUT,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[RunResult]:
    """Run each notebook in a process, kernel, working folder and state of its own, ``jobs`` at a time.

    Checked before anything starts: that the files are there, and that each of ``parameters`` (texts, as typed)
    is known to at least one notebook and of the right type; UsageError otherwise. Executed notebooks and pages
    go to ``output``/executed/<module>/, figures to ``output``/figures/<module>/ (default: the build folder).
    ``timeout`` is in seconds for each cell; ``environment`` is added to the kernels'. A notebook that fails
    doesn't stop the others: look at each result's ``failure``.
    """
    own = _threads(jobs) | dict(environment or {})
    prepared = _prepare(list(notebooks), parameters or {}, output or build_dir(), timeout, own)
    results: dict[int, RunResult] = {}
    with closing(spread(_run_job, prepared, max(1, jobs))) as events:
        for event in events:
            job = prepared[event.job]
            title = f"{job.module}/{job.name}"
            if event.kind == "started":
                progress(Progress("started", title))
            elif event.kind == "report":
                done, cells, source = event.value
                progress(Progress("cell", title, done, cells, source))
            else:
                results[event.job] = _result(job, event)
                progress(Progress("finished", title, result=results[event.job]))
    return [results[number] for number in range(len(prepared))]


def default_jobs() -> int:
    """As many notebooks at once as there are processors, at most four: each needs about half a gigabyte."""
    return max(1, min(4, os.cpu_count() or 1))


def _threads(jobs: int) -> dict[str, str]:
    """Kernels share the processors: without this, each numerical library would start a thread for every one."""
    if jobs < 2 or "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))}


def _prepare(
    paths: list[Path],
    given: Mapping[str, str],
    output: Path,
    timeout: float | None,
    environment: Mapping[str, str],
) -> list[_Job]:
    """Check what was asked and settle the parameters, so that a mistake costs seconds, not the run."""
    unique: dict[tuple[str, str], Path] = {}
    for path in (p.resolve() for p in paths):
        if not path.is_file():
            read_notebook(path)  # says what is there instead
        if (other := unique.setdefault((path.parent.name, path.stem), path)) != path:
            raise UsageError(f"{other} and {path} would be written to the same place; run them one by one.")
    values = _settle(list(unique.values()), given) if given else {}
    return [
        _Job(module, name, path, values.get(path, {}), output, timeout, environment)
        for (module, name), path in unique.items()
    ]


def _settle(paths: list[Path], given: Mapping[str, str]) -> dict[Path, dict[str, Any]]:
    from course_lib.workbook.parameters import Parameter, known_parameters, settle

    known: dict[Path, dict[str, Parameter]] = {}
    for path in paths:
        with suppress(NotANotebook):  # its own failure, told when it is its turn
            known[path] = known_parameters(read_notebook(path))
    return settle(given, known)


def _run_job(job: _Job, report: Callable[[Any], None]) -> RunResult:
    """In a worker process: run, then write pages and pictures. Final names only for whole runs."""
    from course_lib.workbook.notebook_run import execute
    from course_lib.workbook.pages import page, save_figures

    _forget(job)
    result = RunResult(job.module, job.name, job.source)
    try:
        notebook = read_notebook(job.source)
        kernel = kernel_name(notebook, job.source)
    except CourseError as error:
        result.failure = Failure("unreadable", str(error))
        return result
    start = time.perf_counter()
    execution = execute(
        notebook,
        parameters=job.parameters,
        kernel=kernel,
        timeout=job.timeout,
        environment=job.environment,
        on_cell=lambda *place: report(place),
    )
    result.failure = execution.failure
    result.seconds = round(time.perf_counter() - start, 2)
    result.cells, result.cell_seconds = len(notebook.cells), execution.seconds
    target = job.output / "executed" / job.module / (job.name if result.ok else f"{job.name}.failed")
    result.executed, result.page = (target.with_name(target.name + end) for end in (".ipynb", ".html"))
    write_notebook(result.executed, execution.notebook)
    write_text(result.page, page(execution.notebook, f"{job.module}: {job.name}", job.source.parent))
    result.figures = save_figures(execution.notebook, job.output / "figures" / job.module, job.name)
    _front_pages(job)
    return result


def _front_pages(job: _Job) -> None:
    """The pages that modules' pages link to, beside their folders."""
    from course_lib.workbook.pages import page

    for name in FRONT_PAGES:
        source, target = job.source.parent.parent / f"{name}.ipynb", job.output / "executed" / f"{name}.html"
        stale = source.is_file() and not (target.is_file() and target.stat().st_mtime > source.stat().st_mtime)
        if stale:
            with suppress(CourseError):  # a broken one is no fault of this notebook's run
                write_text(target, page(read_notebook(source), name.capitalize(), source.parent))


def _forget(job: _Job) -> None:
    """Remove what an earlier run of this notebook left, so that what lies there is of one run."""
    for ending in (".ipynb", ".html", ".failed.ipynb", ".failed.html"):
        with suppress(FileNotFoundError):
            (job.output / "executed" / job.module / f"{job.name}{ending}").unlink()


def _result(job: _Job, event: Event) -> RunResult:
    if event.kind == "done":
        return event.value
    words = f"\n{event.value}" if event.value else ""
    reason = f"the process that ran this notebook ended unexpectedly{words}"
    failure = Failure("lost", reason if event.kind == "lost" else str(event.value))
    return RunResult(job.module, job.name, job.source, failure=failure)
