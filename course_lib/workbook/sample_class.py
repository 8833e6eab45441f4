"""A small made-up class, as its submissions would lie in ``gradebook/submitted``: for trying grading out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.workbook.assemble import assemble
from course_lib.workbook.modules import Module, all_modules
from course_lib.workbook.notebook_io import write_notebook
from course_lib.workbook.quiz import read_quiz
from course_lib.workbook.quiz_answers import tries
from course_lib.workbook.scoring import tasks_of
from course_lib.workbook.trials import POINTS
from course_lib.workbook.wrong_answers import read_wrong_answers

if TYPE_CHECKING:
    from nbformat import NotebookNode

_NAMES = ("amina", "bence", "carla", "dmitri", "esther", "farid")
# who does what, over and over in a larger class
_HABITS = ("right", "slips", "half", "wrong", "no quiz", "untouched")


@dataclass(frozen=True)
class Answer:
    """Code for one answer cell, and the points it earns (tasks that build on each other may lose more)."""

    code: str
    points: float


@dataclass(frozen=True)
class SampleStudent:
    """One student: what they do, and the points that grading without a person should give, by notebook."""

    name: str
    habit: str
    points: dict[str, float]


def sample_class(module: Module, folder: Path, *, size: int = len(_HABITS)) -> list[SampleStudent]:
    """Write ``<folder>/<student>/<module>/*.ipynb`` for a class of ``size``, always the same.

    In turn they have all right, slip in every third task, stop halfway, are wrong wherever the authors know a
    wrong answer, hand in no quiz, hand in what they were given. Made from the text, with the module's release
    as the sheet they fill in. Raises CourseError where that can't be read.
    """
    from course_lib.workbook.release import generate_release

    course = all_modules(module.root)
    solutions = {name: assemble(module, name, course) for name in module.notebooks if name in POINTS}
    release = generate_release(module, solutions)
    choices = {name: _choices(module, name, solution) for name, solution in solutions.items()}
    students = []
    for index in range(size):
        name = _NAMES[index % len(_NAMES)] + (f"{index // len(_NAMES) + 1}" if index >= len(_NAMES) else "")
        habit, points = _HABITS[index % len(_HABITS)], {}
        for notebook, solution in solutions.items():
            if habit == "no quiz" and notebook == "quiz":
                points[notebook] = 0.0
                continue
            tasks = tasks_of(solution)
            answers = {
                task.name: answer
                for place, task in enumerate(tasks)
                if (answer := _pick(habit, place, len(tasks), choices[notebook][task.name], index))
            }
            sheet = _fill(release[f"{notebook}.ipynb"], solution, answers, written=habit != "untouched")
            write_notebook(folder / name / module.name / f"{notebook}.ipynb", sheet)
            points[notebook] = round(sum(answer.points for answer in answers.values()), 2)
        students.append(SampleStudent(name, habit, points))
    return students


def _choices(module: Module, notebook: str, solution: NotebookNode) -> dict[str, list[Answer]]:
    """For each task the right answer, then the wrong ones that its authors know."""
    tasks = {task.name: task for task in tasks_of(solution)}
    right = {cell.metadata.nbgrader.grade_id: cell.source for cell in solution.cells if _is_answer(cell)}
    choices = {name: [Answer(right[name], task.points)] for name, task in tasks.items()}
    if notebook == "quiz":
        for question in read_quiz(module.source("quiz")).questions:
            wrong = [answer for answer in tries(question) if answer.points < question.points]
            choices[question.id] += [Answer(answer.code, answer.points) for answer in wrong]
        return choices
    worth = {name: task.points for name, task in tasks.items()}
    for answer in read_wrong_answers(module.solutions / "wrong_answers", worth):
        choices[answer.task].append(Answer(answer.code, worth[answer.task] - answer.loses))
    return choices


def _pick(habit: str, place: int, tasks: int, choices: list[Answer], index: int) -> Answer | None:
    """What this student writes for the task at this place; None leaves it as it came."""
    right, wrong = choices[0], choices[1:] or choices[:1]
    if habit == "untouched" or (habit == "half" and place >= (tasks + 1) // 2):
        return None
    if habit == "wrong" or (habit == "slips" and place % 3 == 0):
        return wrong[index % len(wrong)]
    return right


def _fill(release: bytes, solution: NotebookNode, answers: Mapping[str, Answer], *, written: bool) -> NotebookNode:
    """The release with a student's answers; model answers stand in for written ones."""
    import nbformat

    sheet = nbformat.reads(release.decode(), as_version=4)
    models = {
        cell.metadata.nbgrader.grade_id: cell.source.split("### BEGIN MARK SCHEME")[0].strip()
        for cell in solution.cells
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution")
    }
    for cell in sheet.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell.source = answers[grade_id].code
        elif grade_id in models and written:
            cell.source = models[grade_id]
    return sheet


def _is_answer(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("solution"))
