"""One run over a class: which hand-ins must be graded, having them graded, and writing down what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from course_lib.grading.calibration import decide
from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.execution import GUARDED
from course_lib.grading.gradebook import Book
from course_lib.grading.libraries import long_first
from course_lib.grading.outcome import INFRA_ERROR, NotebookResult, SubmissionResult
from course_lib.grading.pool import Pool, WorkerLost
from course_lib.grading.records import Records, grading_key, submission_key
from course_lib.grading.scores import Manual
from course_lib.grading.standing import standing
from course_lib.grading.submissions import Submission
from course_lib.grading.worker import Setting

MAX_ROUNDS = 3

Progress = Callable[[int, int, SubmissionResult | None], None]
Modes = dict[str, dict[str, dict[str, str]]]  # by module, notebook and grade id


class Job:
    """``known`` is what there is by (module, student), ``to_do`` what must be graded, ``graded`` how many were."""

    def __init__(
        self,
        setting: Setting,
        folders: CourseFolders,
        found: list[Submission],
        progress: Progress | None,
        *,
        force: bool,
    ) -> None:
        self.setting, self.folders, self.found = setting, folders, found
        self.progress = progress or (lambda _done, _all, _result: None)
        self.records = Records(folders.records)
        self.graded = 0
        self.manual: Manual = {}
        self.keys = {
            module: grading_key(
                [a for a in setting.assignments if a.module == module], setting.limits, sandboxed=setting.sandboxed
            )
            for module in sorted({a.module for a in setting.assignments})
        }
        self.known = {(s.module, s.student): self.records.read(s.module, s.student) for s in found}
        self.to_do = [s for s in found if force or not self._is_done(s)]
        now = standing(folders, self.keys)
        if now is not None:
            self.manual = now.manual
            self.to_do += [s for s in found if s not in self.to_do and not now.has(folders, s.module, s.student)]
        self.asks_nbgrader = now is None

    @property
    def results(self) -> list[SubmissionResult]:
        """Everything there is."""
        return [result for result in self.known.values() if result is not None]

    def run(self, pool: Pool) -> None:
        """Grade what is to do."""
        with ThreadPoolExecutor(1) as aside:
            deciding = aside.submit(self._modes, pool) if self.to_do else None
            with Book(self.folders) as book:
                if self.asks_nbgrader:
                    self.to_do += [s for s in self.found if s not in self.to_do and not book.has(s.module, s.student)]
                if self.to_do:
                    book.prepare(self.setting.assignments)
                    self._grade(pool, book, deciding.result() if deciding else self._modes(pool))
                self.manual = book.manual(self.keys)

    def _is_done(self, submission: Submission) -> bool:
        before = self.known[submission.module, submission.student]
        key = submission_key(submission, self.keys[submission.module])
        return before is not None and before.key == key and before.status != INFRA_ERROR

    def _grade(self, pool: Pool, book: Book, modes: Modes) -> None:
        to_do, total, done = self.to_do, len(self.to_do), 0
        self.progress(0, total, None)
        for round_number in range(1, MAX_ROUNDS + 1):
            again: list[Submission] = []
            orders = [("grade", self._order(submission, modes)) for submission in long_first(to_do, self.setting)]
            for order, answer in pool.run(orders):
                submission = order["submission"]
                result = self._infra(submission, answer) if isinstance(answer, WorkerLost) else answer
                if result.status == INFRA_ERROR and round_number < MAX_ROUNDS:
                    again.append(submission)
                    continue
                self._keep(book, submission, result)
                done += 1
                self.progress(done, total, result)
            to_do = again

    def _keep(self, book: Book, submission: Submission, result: SubmissionResult) -> None:
        place = (submission.module, submission.student)
        before = self.known[place]
        if result.status != INFRA_ERROR:
            book.write(result, submission, before, self.setting.support.get(submission.module))
            self.records.write(result)
            self.graded += 1
        elif before is None or before.status == INFRA_ERROR:
            self.records.write(result)
        self.known[place] = result

    def _order(self, submission: Submission, modes: Modes) -> dict[str, Any]:
        key = submission_key(submission, self.keys[submission.module])
        return {"submission": submission, "modes": modes[submission.module], "key": key}

    def _modes(self, pool: Pool) -> Modes:
        """How each test is run: decided once for these tests in this environment."""
        key = ":".join(sorted(self.keys.values()))
        if (kept := self.records.modes(key)) is not None:
            return kept  # type: ignore[return-value]
        assignments = {(a.module, a.name): a for a in self.setting.assignments}
        orders = [{"notebook": place, "solved": solved} for place in assignments for solved in (True, False)]
        whole = {(order["notebook"], order["solved"]): answer for order, answer in _calibrate(pool, orders)}
        modes: Modes = {module: {} for module in self.keys}
        for place, assignment in assignments.items():
            modes[place[0]][place[1]] = decide(assignment, whole[place, True], whole[place, False])
        again = [{"notebook": place, "modes": modes[place[0]][place[1]]} for place in assignments]
        list(_calibrate(pool, [order for order in again if GUARDED in order["modes"].values()]))
        self.records.keep_modes(key, modes)
        return modes

    def _infra(self, submission: Submission, error: WorkerLost) -> SubmissionResult:
        notebooks = [
            NotebookResult(a.name, INFRA_ERROR, problem=str(error))
            for a in self.setting.assignments
            if a.module == submission.module
        ]
        return SubmissionResult(
            submission.student, submission.module, notebooks, "", submission.digest, submission.timestamp
        )


def _calibrate(pool: Pool, orders: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each order with its answer. Raises what a worker met."""
    for order, answer in pool.run(("calibrate", order) for order in orders):
        if isinstance(answer, Exception):
            raise answer
        yield order, answer
