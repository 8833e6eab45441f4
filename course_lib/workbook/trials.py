"""What `course verify` tries of a module: which notebooks to run, and what each task must earn in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from course_lib.workbook.assemble import assemble
from course_lib.workbook.modules import Module
from course_lib.workbook.quiz import read_quiz
from course_lib.workbook.quiz_answers import tries
from course_lib.workbook.scoring import TaskInfo, tasks_of, written_points
from course_lib.workbook.variants import as_graded, only_for, with_answers
from course_lib.workbook.wrong_answers import read_wrong_answers

if TYPE_CHECKING:
    from nbformat import NotebookNode

POINTS = {"exercises": 20, "quiz": 10}
WRONG_ANSWERS = 3  # at least, for each auto-graded task

SOLUTION, RELEASE, WRONG, RIGHT = "solution", "release", "wrong answer", "right answer"


@dataclass(frozen=True)
class Check:
    """A task must earn ``points`` in this run; ``kind`` says why the run was made, ``name`` which answer it tries."""

    task: TaskInfo
    kind: str
    name: str
    points: float


@dataclass(frozen=True)
class Trial:
    """One notebook to run, and what must come out of it."""

    title: str
    notebook: NotebookNode
    checks: tuple[Check, ...]


@dataclass
class Plan:
    """All trials of one notebook of a module, and what is wrong with it before anything runs."""

    module: Module
    notebook: str
    tasks: list[TaskInfo]
    written: float
    trials: list[Trial]
    problems: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The notebook's name in messages."""
        return f"{self.module.name}/{self.notebook}"


def plan_module(module: Module, course: Sequence[Module]) -> list[Plan]:
    """The trials of a module's graded notebooks. Raises CourseError where the text or a wrong answer can't be read."""
    from course_lib.workbook.release import generate_release, support_contents

    graded = [name for name in module.notebooks if name in POINTS]
    solutions = {name: assemble(module, name, course) for name in graded}
    releases, files = generate_release(module, solutions), support_contents(module)
    plans = []
    for name, solution in solutions.items():
        plan = Plan(module, name, tasks_of(solution), written_points(solution), [], files=files)
        release = as_graded(_notebook(releases[f"{name}.ipynb"]), solution)
        plan.trials += [
            _whole(plan, SOLUTION, solution, {task.name: task.points for task in plan.tasks}),
            _whole(plan, RELEASE, release, {task.name: 0.0 for task in plan.tasks}),
        ]
        plan.trials += _quiz_trials(plan, solution) if name == "quiz" else _exercise_trials(plan, solution)
        plan.problems += _plan_problems(plan)
        plans.append(plan)
    return plans


def _notebook(content: bytes) -> NotebookNode:
    import nbformat

    return nbformat.reads(content.decode(), as_version=4)


def _whole(plan: Plan, kind: str, notebook: NotebookNode, points: Mapping[str, float]) -> Trial:
    """A run of the whole notebook in which every task is checked."""
    checks = tuple(Check(task, kind, kind, points[task.name]) for task in plan.tasks)
    return Trial(f"{plan.title}: {kind}", with_answers(notebook, {}), checks)


def _exercise_trials(plan: Plan, solution: NotebookNode) -> list[Trial]:
    """A run for each wrong answer, since tasks may build on each other."""
    tasks = {task.name: task for task in plan.tasks}
    answers = read_wrong_answers(
        plan.module.solutions / "wrong_answers", {name: task.points for name, task in tasks.items()}
    )
    trials = []
    for answer in answers:
        task = tasks[answer.task]
        notebook = only_for(with_answers(solution, {task.name: answer.code}), task)
        check = Check(task, WRONG, answer.name, task.points - answer.loses)
        trials.append(Trial(f"{plan.title}: {answer.name}", notebook, (check,)))
    return trials


def _quiz_trials(plan: Plan, solution: NotebookNode) -> list[Trial]:
    """Questions know nothing of each other, so one run tries an answer of each."""
    tasks = {task.name: task for task in plan.tasks}
    questions = read_quiz(plan.module.source("quiz")).questions
    rounds = zip_longest(*([(question, answer) for answer in tries(question)] for question in questions))
    trials = []
    for number, answers in enumerate(rounds, 1):
        given = [pair for pair in answers if pair is not None]
        checks = tuple(
            Check(tasks[q.id], RIGHT if answer.points == q.points else WRONG, answer.code, answer.points)
            for q, answer in given
        )
        notebook = with_answers(solution, {q.id: answer.code for q, answer in given})
        trials.append(Trial(f"{plan.title}: answers {number}", notebook, checks))
    return trials


def _plan_problems(plan: Plan) -> list[str]:
    problems = []
    total = sum(task.points for task in plan.tasks) + plan.written
    if total != POINTS[plan.notebook]:
        problems.append(f"{plan.title} is worth {total:g} points, and should be worth {POINTS[plan.notebook]}")
    for task in plan.tasks:
        wrong = [c for trial in plan.trials for c in trial.checks if c.task.name == task.name and c.kind == WRONG]
        if len(wrong) < WRONG_ANSWERS:
            count = f"has {len(wrong)} wrong answers beside it, and needs {WRONG_ANSWERS} at least"
            problems.append(f"{plan.title}: {task.name} {count}")
    return problems
