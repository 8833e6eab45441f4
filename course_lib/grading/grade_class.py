"""Grade a class: find what was handed in, grade what is new on all processors, write it down, report."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import UsageError
from course_lib.grading import report
from course_lib.grading import submissions as handed
from course_lib.grading.assignment import Assignment, load_module
from course_lib.grading.class_job import Job, Progress
from course_lib.grading.class_result import ClassResult
from course_lib.grading.coursefolders import CourseFolders, course_folders
from course_lib.grading.gradebook_address import checked
from course_lib.grading.libraries import shared
from course_lib.grading.limits import Limits
from course_lib.grading.nurseries import Nursery, cores
from course_lib.grading.pool import Pool
from course_lib.grading.sandbox.policy import SandboxUnavailable
from course_lib.grading.scores import scores
from course_lib.grading.worker import Setting
from course_lib.paths import project_root

if TYPE_CHECKING:
    from course_lib.grading.cluster_pool import ClusterPool


def grade(
    modules: Iterable[str] = (),
    *,
    submissions: Path,
    root: Path | None = None,
    folders: CourseFolders | None = None,
    jobs: int | None = None,
    unsafe: bool = False,
    force: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
    report_to: Path | None = None,
    nursery: Nursery | None = None,
    scheduler: str | None = None,
    gradebook: str | None = None,
    say: Callable[[str], None] | None = None,
) -> ClassResult:
    """Grade every hand-in in a folder that is new or changed, into the gradebook of the course.

    ``modules`` are names such as ``01_intro`` (all that can be graded when none is named); ``folders`` say where
    grades go (the course's own gradebook); ``jobs`` how many are graded at once (as many as there are processors).
    ``unsafe`` runs students' code without a sandbox; ``force`` grades again what has not changed. ``progress`` is
    called with the number done, the number to do, and each result. The class report goes into ``report_to``
    (``results`` beside the graded notebooks). A ``nursery`` that was started before is ended here. With the address
    of a Dask ``scheduler``, its workers grade, ``jobs`` hand-ins at once (as many as they have threads), and grades are
    written here; ``say`` hears of workers that can't. ``gradebook`` is the address of another database than the
    course's settings name.

    Raises UsageError for a wrong question, AssignmentError when the tests are broken here, SandboxUnavailable where
    there is no sandbox and ``unsafe`` does not waive it, ClusterLost when nobody works at the address, and
    GradebookError when the gradebook can't be used.
    """
    started = time.monotonic()
    root = root or project_root()
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs is {jobs}; at least one is needed")
    if scheduler is not None:
        from course_lib.cluster import check_address  # not needed here otherwise, and long to import

        check_address(scheduler)
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            nursery = stack.enter_context(nursery or Nursery(jobs or cores(), sandboxed=not unsafe))
        assignments = load_assignments(root, modules)
        found = handed.find(Path(submissions), assignments)
        if not found.submissions and not found.rejected:
            raise UsageError(
                f"nothing was handed in: {submissions} holds no notebook and no zip for "
                f"{', '.join(sorted({a.module for a in assignments}))}"
            )
        folders = folders or course_folders(root)
        folders = dataclasses.replace(folders, db_url=checked(gradebook or folders.db_url))
        setting = _setting(root, assignments, limits or Limits(), sandboxed=not unsafe)
        job = Job(setting, folders, found.submissions, progress, force=force)
        if job.to_do or job.asks_nbgrader:
            with _workers(job, jobs, nursery) if nursery else _cluster(job, jobs, scheduler, say) as pool:
                job.run(pool)
    results = job.results
    table = scores(results, assignments, job.manual)
    done = ClassResult(
        sorted({a.module for a in assignments}),
        results,
        found.rejected,
        folders,
        table,
        graded=job.graded,
        unchanged=len(results) - job.graded,
        seconds=time.monotonic() - started,
    )
    done.files = report.write(report_to or folders.records, results, table, found.rejected)
    return done


def _setting(root: Path, assignments: list[Assignment], limits: Limits, *, sandboxed: bool) -> Setting:
    released = {a.module: root / "modules" / a.module for a in assignments}
    support = {module: folder for module, folder in released.items() if folder.is_dir()}
    to_import = sorted({name for a in assignments for name in a.to_import})
    return Setting(assignments, support, to_import, limits, sandboxed)


@contextlib.contextmanager
def _workers(job: Job, jobs: int | None, nursery: Nursery) -> Iterator[Pool]:
    """As many workers of this machine as are asked for and can be of use."""
    setting = _with_shared(job)
    with Pool(setting, max(1, min(jobs or cores(), len(job.to_do))), nursery) as pool:
        if setting.sandboxed:
            require_sandbox()  # before there is a second thread: then a copy of this process can try it
        yield pool


@contextlib.contextmanager
def _cluster(job: Job, jobs: int | None, scheduler: str, say: Callable[[str], None] | None) -> Iterator[ClusterPool]:
    """The workers of a cluster."""
    from course_lib.cluster import cluster
    from course_lib.grading.cluster_pool import ClusterPool

    with cluster(scheduler) as client, ClusterPool(client, _with_shared(job), jobs, say) as pool:
        yield pool


def _with_shared(job: Job) -> Setting:
    """The setting, with the libraries that several hand-ins import."""
    job.setting.modules = sorted({*job.setting.modules, *shared(job.to_do)})
    return job.setting


def load_assignments(root: Path, modules: Iterable[str] = ()) -> list[Assignment]:
    """The notebooks to grade. Raises UsageError for a module that there isn't."""
    solutions = root / "solutions"
    known = sorted(path.name for path in solutions.glob("*/") if any(path.glob("*.ipynb")))
    if not known:
        raise UsageError(f"there is no built module in {solutions}. `course build` builds them from their text.")
    wanted = {_full_name(name, known) for name in modules}
    return [a for name in sorted(wanted or known) for a in load_module(solutions / name)]


def _full_name(name: str, known: list[str]) -> str:
    """A module's name for what was typed: ``01_intro``, ``01``, ``1`` or ``intro``, also as a folder."""
    short = Path(name).name
    fitting = [n for n in known if n == short] or [
        n for n in known if short and (n.startswith(f"{short.zfill(2)}_") or n[3:] == short)
    ]
    if len(fitting) != 1:
        raise UsageError(f"there is no built module {name}; built are {', '.join(known)}")
    return fitting[0]


def require_sandbox() -> None:
    """Raises SandboxUnavailable where students' code cannot be shut in."""
    from course_lib.grading.sandbox import probe

    found = probe.probe()
    if found.problem:
        raise SandboxUnavailable(
            f"{found.problem}\nWithout a sandbox, what students hand in could read and change whatever you can. If you "
            "know all of it, `course grade --unsafe` runs it all the same."
        )
