"""What the syllabus asks of every exercises notebook and every quiz."""

from __future__ import annotations

import pytest

from course_lib.workbook.quiz import read_quiz
from course_lib.workbook.scoring import tasks_of
from tests.modules.every import MODULES, REGION, asserts, code_cells, notebook

WITH_EXERCISES = [module for module in MODULES if module.solution("exercises").is_file()]
WITH_QUIZ = [module for module in MODULES if module.source("quiz").is_file()]
every = pytest.mark.parametrize("module", WITH_EXERCISES, ids=lambda module: module.name)
every_quiz = pytest.mark.parametrize("module", WITH_QUIZ, ids=lambda module: module.name)


def sources_by_task(module) -> dict[str, list[str]]:
    """The test cells' sources by task."""
    cells = {
        c.metadata.nbgrader.grade_id: c.source for c in code_cells(module, "exercises") if "nbgrader" in c.metadata
    }
    return {
        task.name: [cells[name] for name in task.tests] for task in tasks_of(notebook(module.solution("exercises")))
    }


@every
def test_four_to_seven_tasks_and_one_written_answer(module):
    solution = notebook(module.solution("exercises"))
    written = [c for c in solution.cells if c.cell_type == "markdown" and c.metadata.get("nbgrader", {}).get("grade")]
    assert 4 <= len(tasks_of(solution)) <= 7
    assert len(written) == 1
    assert "### BEGIN MARK SCHEME" in written[0].source, "no rubric for whoever grades it"
    assert len(written[0].source.partition("### BEGIN MARK SCHEME")[0].split()) >= 50, "no model answer"


@every
def test_every_task_has_visible_and_hidden_tests(module):
    for task, sources in sources_by_task(module).items():
        hidden = "\n".join(match[2] for source in sources for match in REGION.finditer(source))
        visible = "\n".join(REGION.sub("", source) for source in sources)
        assert hidden.strip(), f"{task} has no hidden tests"
        assert visible.strip(), f"{task} has no visible tests"


@every
def test_every_failing_test_would_say_something(module):
    for task, sources in sources_by_task(module).items():
        for source in sources:
            silent = [node.lineno for node in asserts(source) if node.msg is None]
            assert silent == [], f"{task}: asserts without a message in lines {silent} of\n{source}"


@every
def test_the_notebook_shows_how_to_check_it(module):
    text = "\n".join(cell.source for cell in notebook(module.released("exercises")).cells)
    assert "course check" in text


@every_quiz
def test_ten_questions_of_several_types(module):
    quiz = read_quiz(module.source("quiz"))
    assert len(quiz.questions) == 10
    assert len({question.type for question in quiz.questions}) >= 2


@every_quiz
def test_no_letter_is_always_right(module):
    """Whoever always guesses the same letter shouldn't do well."""
    keys = [question.key for question in read_quiz(module.source("quiz")).questions if question.type == "single"]
    for letter in set(keys):
        assert keys.count(letter) <= max(2, len(keys) // 2), (
            f"{letter} is right {keys.count(letter)} times of {len(keys)}"
        )


@every_quiz
def test_reasons_differ_from_option_to_option(module):
    for question in read_quiz(module.source("quiz")).questions:
        if question.type != "numeric":
            assert len(set(question.reasons.values())) == len(question.reasons), question.id
