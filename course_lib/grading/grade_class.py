"""Grade a class: find what was handed in, grade what is new on all processors, write it down, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from course_lib.errors import UsageError
from course_lib.grading import report
from course_lib.grading import submissions as handed
from course_lib.grading.assignment import Assignment, load_module
from course_lib.grading.class_result import ClassResult
from course_lib.grading.coursefolders import CourseFolders, course_folders
from course_lib.grading.gradebook import Book
from course_lib.grading.limits import Limits
from course_lib.grading.outcome import INFRA_ERROR, NotebookResult, SubmissionResult
from course_lib.grading.pool import Pool, WorkerLost, usual_jobs
from course_lib.grading.quick_import import nbgrader_module
from course_lib.grading.records import Records, grading_key, submission_key
from course_lib.grading.sandbox.policy import SandboxUnavailable
from course_lib.grading.scores import Manual, scores
from course_lib.grading.submissions import Submission
from course_lib.grading.worker import Setting
from course_lib.paths import project_root

MAX_ROUNDS = 3

Progress = Callable[[int, int, SubmissionResult | None], None]
Modes = dict[str, dict[str, dict[str, str]]]  # by module, notebook and grade id


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
) -> ClassResult:
    """Grade every hand-in in a folder that is new or changed, into the gradebook of the course.

    ``modules`` are names such as ``01_intro`` (all that can be graded when none is named); ``folders`` say where
    grades go (the course's own gradebook); ``jobs`` how many are graded at once (three for two processors).
    ``unsafe`` runs students' code without a sandbox; ``force`` grades again what has not changed. ``progress`` is
    called with the number done, the number to do, and each result. The class report goes into ``report_to``
    (``results`` beside the graded notebooks).

    Raises UsageError for a wrong question, AssignmentError when the tests are broken here, and
    SandboxUnavailable where there is no sandbox and ``unsafe`` does not waive it.
    """
    started = time.monotonic()
    root = root or project_root()
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs is {jobs}; at least one is needed")
    assignments = load_assignments(root, modules)
    found = handed.find(Path(submissions), assignments)
    if not found.submissions and not found.rejected:
        raise UsageError(
            f"nothing was handed in: {submissions} holds no notebook and no zip for "
            f"{', '.join(sorted({a.module for a in assignments}))}"
        )
    # workers import what notebooks import, and the sandbox is tried, while this process imports nbgrader
    with (
        _start_pool(root, assignments, found.submissions, limits or Limits(), jobs or usual_jobs(), unsafe) as pool,
        ThreadPoolExecutor(2) as aside,
    ):
        aside.submit(nbgrader_module, "nbgrader.api")
        trying = aside.submit(require_sandbox) if not unsafe else None
        folders = folders or course_folders(root)
        if trying is not None:
            trying.result()
        job = _Job(pool, folders, assignments, found.submissions, progress)
        results = job.run(force=force)
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


def _start_pool(
    root: Path, assignments: list[Assignment], found: list[Submission], limits: Limits, jobs: int, unsafe: bool
) -> Pool:
    """Start as many workers as are asked for and can be of use."""
    released = {a.module: root / "modules" / a.module for a in assignments}
    support = {module: folder for module, folder in released.items() if folder.is_dir()}
    to_import = sorted({name for a in assignments for name in a.to_import})
    setting = Setting(assignments, support, to_import, limits, not unsafe)
    return Pool(setting, max(1, min(jobs, len(found))))


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


class _Job:
    """One run over a class."""

    def __init__(
        self,
        pool: Pool,
        folders: CourseFolders,
        assignments: list[Assignment],
        found: list[Submission],
        progress: Progress | None,
    ) -> None:
        self.pool, self.folders, self.assignments, self.found = pool, folders, assignments, found
        self.progress = progress or (lambda _done, _all, _result: None)
        self.records = Records(folders.records)
        self.graded = 0
        self.manual: Manual = {}
        setting = pool.setting
        self.keys = {
            module: grading_key(
                [a for a in assignments if a.module == module], setting.limits, sandboxed=setting.sandboxed
            )
            for module in sorted({a.module for a in assignments})
        }

    def run(self, *, force: bool) -> list[SubmissionResult]:
        """Grade what is new; returns everything there is."""
        known = {(s.module, s.student): self.records.read(s.module, s.student) for s in self.found}
        to_do = [s for s in self.found if force or not self._is_done(s, known[s.module, s.student])]
        modes = self._modes() if to_do else None
        with Book(self.folders) as book:
            to_do += [s for s in self.found if s not in to_do and not book.has(s.module, s.student)]
            if to_do:
                book.prepare(self.assignments)
                self._grade(book, to_do, modes or self._modes(), known)
            self.manual = book.manual(self.keys)
        return [result for result in known.values() if result is not None]

    def _is_done(self, submission: Submission, before: SubmissionResult | None) -> bool:
        key = submission_key(submission, self.keys[submission.module])
        return before is not None and before.key == key and before.status != INFRA_ERROR

    def _grade(
        self, book: Book, to_do: list[Submission], modes: Modes, known: dict[tuple[str, str], SubmissionResult | None]
    ) -> None:
        total, done = len(to_do), 0
        self.progress(0, total, None)
        for round_number in range(1, MAX_ROUNDS + 1):
            again: list[Submission] = []
            orders = [("grade", self._order(submission, modes)) for submission in to_do]
            for order, answer in self.pool.run(orders):
                submission = order["submission"]
                result = self._infra(submission, answer) if isinstance(answer, WorkerLost) else answer
                if result.status == INFRA_ERROR and round_number < MAX_ROUNDS:
                    again.append(submission)
                    continue
                place = (submission.module, submission.student)
                if result.status != INFRA_ERROR:
                    book.write(result, submission, known[place], self.pool.setting.support.get(submission.module))
                    self.records.write(result)
                    self.graded += 1
                elif known[place] is None or known[place].status == INFRA_ERROR:  # type: ignore[union-attr]
                    self.records.write(result)
                known[place] = result
                done += 1
                self.progress(done, total, result)
            to_do = again

    def _order(self, submission: Submission, modes: Modes) -> dict[str, Any]:
        key = submission_key(submission, self.keys[submission.module])
        return {"submission": submission, "modes": modes[submission.module], "key": key}

    def _modes(self) -> Modes:
        """How each test is run: decided once for these tests in this environment."""
        key = ":".join(sorted(self.keys.values()))
        if (kept := self.records.modes(key)) is not None:
            return kept  # type: ignore[return-value]
        modes: Modes = {module: {} for module in self.keys}
        orders = [("calibrate", (a.module, a.name)) for a in self.assignments]
        for (module, name), answer in self.pool.run(orders):
            if isinstance(answer, Exception):
                raise answer
            modes[module][name] = answer
        self.records.keep_modes(key, modes)
        return modes

    def _infra(self, submission: Submission, error: WorkerLost) -> SubmissionResult:
        notebooks = [
            NotebookResult(a.name, INFRA_ERROR, problem=str(error))
            for a in self.assignments
            if a.module == submission.module
        ]
        return SubmissionResult(
            submission.student, submission.module, notebooks, "", submission.digest, submission.timestamp
        )
