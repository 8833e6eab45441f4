"""One run over a class: which hand-ins must be graded, having them graded, and writing down what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

from course_lib.grading.coursefolders import CourseFolders
from course_lib.grading.gradebook import Book, Graded
from course_lib.grading.libraries import long_first
from course_lib.grading.modes import Deciding
from course_lib.grading.outcome import INFRA_ERROR, NotebookResult, SubmissionResult
from course_lib.grading.pool import Pool, WorkerLost
from course_lib.grading.records import Records, grading_key, submission_key
from course_lib.grading.scores import Manual
from course_lib.grading.standing import standing
from course_lib.grading.submissions import Submission
from course_lib.grading.worker import Setting

MAX_ROUNDS = 3
MOST_TOGETHER = 50  # hand-ins that are written in one transaction, if so many have come at once

Progress = Callable[[int, int, SubmissionResult | None], None]
Done = tuple[Submission, SubmissionResult]
Answers = Iterator[tuple[dict[str, Any], Any]]  # orders, each with what came of it


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
        self.graded = self.written = 0
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
        self.deciding = Deciding(setting.assignments, ":".join(sorted(self.keys.values())), self.records)
        self.orders: deque[tuple[str, Any]] = deque()

    @property
    def results(self) -> list[SubmissionResult]:
        """Everything there is."""
        return [result for result in self.known.values() if result is not None]

    def run(self, pool: Pool) -> None:
        """Grade what is to do."""
        self.orders += [*self.deciding.orders(), *self._orders(self.to_do)]
        with ThreadPoolExecutor(1) as aside:
            beginning = aside.submit(self._begin, pool) if self.to_do else None
            with Book(self.folders) as book:
                if self.asks_nbgrader:
                    lost = [s for s in self.found if s not in self.to_do and not book.has(s.module, s.student)]
                    self.to_do += lost
                    self.orders += self._orders(lost)
                if self.to_do:
                    book.prepare(self.setting.assignments)
                    self._grade(pool, book, beginning.result() if beginning else self._begin(pool))
                self.manual = book.manual(self.keys)

    def _is_done(self, submission: Submission) -> bool:
        before = self.known[submission.module, submission.student]
        key = submission_key(submission, self.keys[submission.module])
        return before is not None and before.key == key and before.status != INFRA_ERROR

    def _begin(self, pool: Pool) -> Answers:
        """Have workers begin, until it is decided how tests are run; returns what has come and will come of it."""
        coming, early = pool.run(self.orders), []
        while self.deciding.modes is None:
            order, answer = next(coming)
            if "submission" in order:
                early.append((order, answer))
            else:
                self.orders.extendleft(self.deciding.hear(order, answer))
        return chain(early, coming)

    def _grade(self, pool: Pool, book: Book, coming: Answers) -> None:
        self.progress(0, len(self.to_do), None)
        done: list[Done] = []
        for round_number in range(1, MAX_ROUNDS + 1):
            again: list[Submission] = []
            for order, answer in coming:
                submission = order["submission"]
                result = self._infra(submission, answer) if isinstance(answer, WorkerLost) else answer
                if not self.deciding.holds(order["modes"], submission.module):
                    self.orders += self._orders([submission])
                elif result.status == INFRA_ERROR and round_number < MAX_ROUNDS:
                    again.append(submission)
                else:
                    done.append((submission, result))
                if not pool.more or len(done) >= MOST_TOGETHER:
                    self._keep(book, done)
            self._keep(book, done)
            coming = pool.run(self._orders(again))

    def _orders(self, submissions: Iterable[Submission]) -> list[tuple[str, Any]]:
        return [("grade", partial(self._order, s)) for s in long_first(submissions, self.setting)]

    def _keep(self, book: Book, done: list[Done]) -> None:
        """Write down what is done, and empty the list: first the gradebook, then the records."""
        places = [(submission.module, submission.student) for submission, _ in done]
        graded = [
            Graded(result, submission, self.known[place], self.setting.support.get(submission.module))
            for place, (submission, result) in zip(places, done, strict=True)
            if result.status != INFRA_ERROR
        ]
        if graded:
            book.write(graded)
        for place, (submission, result) in zip(places, done, strict=True):
            before = self.known[place]
            if result.status != INFRA_ERROR or before is None or before.status == INFRA_ERROR:
                self.records.write(result)
            if result.status != INFRA_ERROR:
                submission.files.clear()  # what is on the disk now: thousands of them would fill the memory
            for notebook in result.notebooks:
                notebook.document = None
            self.known[place] = result
            self.graded += result.status != INFRA_ERROR
            self.written += 1
            self.progress(self.written, len(self.to_do), result)
        done.clear()

    def _order(self, submission: Submission) -> dict[str, Any]:
        key = submission_key(submission, self.keys[submission.module])
        return {"submission": submission, "modes": self.deciding.now(submission.module), "key": key}

    def _infra(self, submission: Submission, error: WorkerLost) -> SubmissionResult:
        notebooks = [
            NotebookResult(a.name, INFRA_ERROR, problem=str(error))
            for a in self.setting.assignments
            if a.module == submission.module
        ]
        return SubmissionResult(
            submission.student, submission.module, notebooks, "", submission.digest, submission.timestamp
        )
