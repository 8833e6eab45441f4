"""A quiz as a page: practice questions that answer at once, then the graded questions without their keys.

The graded questions come from the release, which never held a key; the practice ones from the author's
``quiz.yml``, part ``practice``, since their keys and reasons must stand in the page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from course_lib.workbook.quiz import read_quiz
from course_lib.workbook.site import reading
from course_lib.workbook.site.contents import Contents, Page
from course_lib.workbook.site.practice import question_form

if TYPE_CHECKING:
    from nbformat import NotebookNode

_PRACTICE = """## Practice

Choose, then check: the answer and its reasons come at once, as often as you like. Nothing is kept, and nothing counts.
"""
_GRADED = """## Graded questions

{count} questions, {points} points. Answer them in JupyterLab: `make lab`, then `{file}`. Whether an answer is right,
and why, comes with your graded notebook, so it is not to be found here. Where several options may be right, each right
tick earns its share and each wrong tick takes one away: ticking everything earns nothing.
"""


def quiz_page(_site: Contents, page: Page) -> str:
    """MyST Markdown of one quiz. Raises CourseError when the release or ``quiz.yml`` cannot be read."""
    notebook = reading.read(page.source)
    parts = [f"# {reading.title(notebook, 'Quiz')}", *_practice(page), *_graded(notebook, f"{page.name}.ipynb")]
    return "\n\n".join(parts) + "\n"


def _practice(page: Page) -> list[str]:
    source = page.module.source("quiz")
    questions = read_quiz(source).practice if source.is_file() else []
    if not questions:
        return []
    forms = [f"### Practice {n}\n\n```{{raw}} html\n{question_form(q)}\n```" for n, q in enumerate(questions, 1)]
    return [_PRACTICE, *forms]


def _graded(notebook: NotebookNode, file: str) -> list[str]:
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    questions = [
        _one_rank_lower(cell.source)
        for cell, mark in zip(notebook.cells, marks, strict=True)
        if cell.cell_type == "markdown" and mark.get("locked")
    ]
    points = sum(mark.get("points") or 0 for mark in marks)
    return [_GRADED.format(count=len(questions), points=f"{points:g}", file=file), *questions]


def _one_rank_lower(source: str) -> str:
    return re.sub(r"^## ", "### ", source, count=1)
