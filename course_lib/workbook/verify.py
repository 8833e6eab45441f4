"""`course verify`: a task proves itself.

For every auto-graded task the solution must earn all its points, the untouched release none, and each wrong
answer must lose exactly what its file says, with a message that helps. Each is run in a kernel of its own and
scored with nbgrader's own rules.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib import mlflow_database
from course_lib.errors import CourseError
from course_lib.paths import project_root
from course_lib.workbook.execute import kernel_client
from course_lib.workbook.modules import all_modules, find_modules
from course_lib.workbook.quick_import import notebook_library
from course_lib.workbook.scoring import bad_messages, score
from course_lib.workbook.state import working_state
from course_lib.workbook.trials import RELEASE, RIGHT, SOLUTION, WRONG, Check, Plan, Trial, plan_module

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_TIMEOUT = 120  # seconds
_EQUAL = 1e-9
_SLOW_IMPORT = "papermill"  # takes longer than all that a warm kernel has imported; once is enough for all trials

# told (runs done, runs) after each run
Progress = Callable[[int, int], None]


@dataclass
class TaskReport:
    """What came out for one task: its points, what solution and release earned, and how wrong answers fared."""

    notebook: str
    task: str
    points: float
    solution: float | None = None
    release: float | None = None
    wrong_answers: int = 0
    killed: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class VerifyReport:
    """Every task, in order, and what is wrong with the modules besides; ``runs`` counts notebooks executed."""

    tasks: list[TaskReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    runs: int = 0

    def all_problems(self) -> list[str]:
        """Every reason to fail, each naming its notebook."""
        return self.problems + [f"{t.notebook}: {t.task}: {problem}" for t in self.tasks for problem in t.problems]


def verify(
    names: Iterable[str] = (),
    *,
    root: Path | None = None,
    jobs: int | None = None,
    env: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Prove the tasks of the modules named (all of them when none is), with ``jobs`` kernels at a time.

    Works from the text alone: nothing has to be built, and nothing is written. Raises UnknownModule.
    """
    root = root or project_root()
    chosen, course = find_modules(names, root), all_modules(root)
    report = VerifyReport()
    plans: list[Plan] = []
    for module in chosen:
        try:
            plans += plan_module(module, course)
        except CourseError as error:
            report.problems.append(str(error))
    report.problems += [problem for plan in plans for problem in plan.problems]
    rows = {(plan.title, t.name): TaskReport(plan.title, t.name, t.points) for plan in plans for t in plan.tasks}
    work = [(plan, trial) for plan in plans for trial in plan.trials]
    if any(_imports(trial.notebook, "mlflow") for _, trial in work):
        mlflow_database.make()  # once for all trials
    for plan, trial, outcome in _run_all(work, jobs or default_jobs(), env or {}):
        report.runs += 1
        for check in trial.checks:
            _judge(rows[plan.title, check.task.name], check, outcome)
        if progress:
            progress(report.runs, len(work))
    report.tasks = list(rows.values())
    return report


def default_jobs() -> int:
    """One kernel per processor, and not more than a laptop's memory takes."""
    return max(1, min(os.cpu_count() or 1, 8))


def run_trial(plan: Plan, trial: Trial, env: Mapping[str, str]) -> NotebookNode | str:
    """Run one notebook to its end, failing cells included; a text says why that was not possible."""
    nbclient = notebook_library("nbclient")
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    warm = {"COURSE_WARM_MODULES": f"+{_SLOW_IMPORT}"} if _imports(trial.notebook, _SLOW_IMPORT) else {}
    with working_state(plan.files, {"OMP_NUM_THREADS": "1", **mlflow_database.KEEP_OPEN, **warm, **env}) as state:
        # nothing of these kernels is needed afterwards, and a polite end can take seconds
        options = {"timeout": CELL_TIMEOUT, "allow_errors": True, "shutdown_kernel": "immediate"}
        client = kernel_client(nbclient, trial.notebook, state, **options)
        try:
            client.execute(env=state.env)
        except CellTimeoutError:
            return f"a cell ran for more than {CELL_TIMEOUT} seconds"
        except DeadKernelError:
            return "the kernel died"
    return trial.notebook


def _imports(notebook: NotebookNode, name: str) -> bool:
    return any(re.search(rf"^(import|from) {name}\b", c.source, re.M) for c in notebook.cells if c.cell_type == "code")


def _run_all(
    work: list[tuple[Plan, Trial]], jobs: int, env: Mapping[str, str]
) -> Iterator[tuple[Plan, Trial, NotebookNode | str]]:
    with ThreadPoolExecutor(jobs) as pool:
        running = [(plan, trial, pool.submit(run_trial, plan, trial, env)) for plan, trial in work]
        try:
            for plan, trial, future in running:
                yield plan, trial, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _judge(row: TaskReport, check: Check, outcome: NotebookNode | str) -> None:
    """Note what one run says about one task."""
    row.wrong_answers += check.kind == WRONG
    if isinstance(outcome, str):
        row.problems.append(f"{_who(check)}: {outcome}")
        return
    earned = score(outcome).of(check.task)
    right = abs(earned - check.points) < _EQUAL
    if check.kind == SOLUTION:
        row.solution = earned
    elif check.kind == RELEASE:
        row.release = earned
    if not right:
        row.problems.append(_surprise(check, earned, outcome))
    if check.kind == WRONG:
        messages = bad_messages(outcome, check.task)
        row.killed += right and not messages
        row.problems += [f"{_who(check)}: {message}" for message in messages]


def _who(check: Check) -> str:
    return check.kind if check.kind in (SOLUTION, RELEASE) else f"{check.kind} {check.name}"


def _surprise(check: Check, earned: float, outcome: NotebookNode) -> str:
    full = check.task.points
    if check.kind in (SOLUTION, RIGHT):
        return f"{_who(check)} earns {earned:g} of {full:g} points{_first_error(outcome, check)}"
    if check.kind == RELEASE:
        return f"the untouched release earns {earned:g} points"
    return f"{_who(check)} loses {full - earned:g} points, and should lose {full - check.points:g}"


def _first_error(outcome: NotebookNode, check: Check) -> str:
    for cell in outcome.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in (check.task.name, *check.task.tests):
            for output in cell.outputs:
                if output.output_type == "error":
                    return f": {output.ename}: {output.evalue}"
                if output.get("name") == "stderr":
                    return f": it prints to stderr: {output.text.strip().splitlines()[-1]}"
    return ""
