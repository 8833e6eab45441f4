"""The class report needs nothing from elsewhere, and its figures are right."""

from __future__ import annotations

import csv
import io
import re

import pytest

from course_lib.grading import csvs, report
from course_lib.grading.assignment import Assignment, Cell
from course_lib.grading.outcome import GRADED, INFRA_ERROR, MALFORMED, NotebookResult, SubmissionResult
from course_lib.grading.outcome import TestOutcome as Outcome
from course_lib.grading.outputs import clean_outputs, clean_text, is_harmless
from course_lib.grading.scores import scores
from course_lib.grading.statistics import commonest, correlation, task_facts
from course_lib.grading.submissions import Rejected

NASTY = '<script>alert("x")</script>'


def result(student, *points, status=GRADED, hint="Expected 3, got 4.", **notebook):
    tests = [
        Outcome(f"t{n}-test", f"t{n}", 2.0, p, status, "" if p == 2.0 else hint, error="" if p else "AssertionError")
        for n, p in enumerate(points)
    ]
    return SubmissionResult(student, "01_demo", [NotebookResult("exercises", status, tests, **notebook)])


@pytest.fixture
def assignment():
    def cell(name, kind, points):
        entry = {"nbgrader": {"grade": True, "solution": kind == "written"}}
        return Cell(kind, "code" if kind == "test" else "markdown", name, "", "", "", entry, name, points)

    cells = [cell("t0-test", "test", 2.0), cell("t1-test", "test", 2.0), cell("why", "written", 4.0)]
    return Assignment("01_demo", "exercises", cells, {})


@pytest.fixture
def class_of_six():
    points = [(2.0, 2.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0), (0.0, 0.0), (1.0, 0.0)]
    return [result(f"s{n}", *p) for n, p in enumerate(points)]


def test_shares_and_what_a_task_sorts_out(class_of_six):
    first, second = task_facts(class_of_six)
    assert (first.students, first.whole, first.part, first.none) == (6, 3, 1, 2)
    assert first.mean_share == pytest.approx(7 / 12)
    assert first.splits == pytest.approx(correlation([2, 2, 2, 0, 0, 1], [2, 2, 0, 2, 0, 0]))
    assert second.wrong[0].count == 3


def test_who_could_not_be_read_or_graded_says_nothing_about_tasks(class_of_six):
    more = [result("x", 0.0, 0.0, status=MALFORMED), result("y", None, None, status=INFRA_ERROR)]
    assert [f.students for f in task_facts([*class_of_six, *more])] == [6, 6]


def test_correlation():
    assert correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 10]) == pytest.approx(1)
    assert correlation([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]) == pytest.approx(-1)
    assert correlation([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) is None
    assert correlation([1, 2], [1, 2]) is None


def test_wrong_outcomes_that_differ_in_numbers_only_are_one():
    tests = [Outcome("t-test", "t", 1, 0.0, GRADED, f"Expected 3, got {n}.") for n in range(4)]
    tests.append(Outcome("t-test", "t", 1, 0.0, GRADED, "Expected a list."))
    assert [(w.text, w.count) for w in commonest(tests)] == [("Expected 3, got 0.", 4), ("Expected a list.", 1)]


def test_scores_join_the_machine_and_people(assignment, class_of_six):
    manual = {("01_demo", "s0", "exercises"): {"why": (3.0, False), "t0-test": (1.5, False)}}
    table = {score.student: score for score in scores(class_of_six, [assignment], manual)}
    assert (table["s0"].points, table["s0"].final, table["s0"].due) == (1.5 + 2.0 + 3.0, 6.5, 0)
    assert (table["s1"].points, table["s1"].final, table["s1"].due) == (4.0, None, 1)
    assert table["s1"].max_points == 8.0


def test_no_score_is_no_zero(assignment):
    (score,) = scores([result("y", None, None, status=INFRA_ERROR)], [assignment], {})
    assert (score.points, score.final) == (None, None)
    assert csvs.canvas([score])[2][5] is None


def test_the_page_needs_nothing_else_and_runs_nothing(assignment, class_of_six):
    evil = result("mallory", 0.0, 0.0, hint=NASTY, problem=NASTY, repairs=[NASTY])
    evil.notebooks[0].flags = [{"kind": NASTY, "where": NASTY, "what": NASTY}]
    results = [*class_of_six, evil]
    table = scores(results, [assignment], {})
    page = report.page(results, table, task_facts(results), [Rejected(NASTY, NASTY)])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=|@import|url\((?!#)", page)
    assert page.count("<svg") == 3
    assert page.rindex("<svg") < page.index("<table")  # pictures first
    for student in ("s0", "mallory"):
        assert student in page


def test_spreadsheets_take_nothing_for_a_formula():
    rows = list(csv.reader(io.StringIO(csvs.as_csv([["=1+1", "+x", "@a", "-b", 1.0, None, "plain"]]))))
    assert rows == [["'=1+1", "'+x", "'@a", "'-b", "1", "", "plain"]]


def test_canvas_and_moodle(assignment, class_of_six):
    manual = {("01_demo", r.student, "exercises"): {"why": (4.0, False)} for r in class_of_six[:1]}
    table = scores(class_of_six, [assignment], manual)
    head, possible, first, second, *_ = csvs.canvas(table)
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01_demo"]
    assert possible[0].strip() == "Points Possible"
    assert (possible[5], first[3], first[5], second[5]) == (8.0, "s0", 8.0, None)
    assert csvs.moodle(table)[:2] == [["Username", "Email address", "01_demo"], ["s0", "", 8.0]]


@pytest.mark.parametrize(
    "html",
    [
        "<script>x</script>", "<img src=x onerror=y>", "<a href='javascript:x'>y</a>", "<iframe src=x>",
        "<b onclick=x>", "<style>@import 'x'</style>", "<div style='background:url(x)'>", "<svg onload=x>", "<!--[if]>",
        "<form action=x>", "<a href='data:text/html,x'>y</a>", "<object data=x>", "<meta http-equiv=refresh>",
        "<?php x",
    ],
)  # fmt: skip
def test_html_that_could_do_something_is_not_shown(html):
    assert not is_harmless(html)
    assert "<script" not in clean_text(html)
    assert "<img" not in clean_text(html)


def test_tables_of_pandas_are_shown():
    import pandas as pd

    html = pd.DataFrame({"a": [1]})._repr_html_()
    assert is_harmless(html)
    assert is_harmless(pd.DataFrame({"a": [1.5]}).style.highlight_max().to_html())


def test_markdown_keeps_its_words():
    text = "a < b, x<y, <b>bold</b> <br> and `<code>` <img src=x>"
    assert clean_text(text) == "a < b, x&lt;y, <b>bold</b> <br> and `<code>` &lt;img src=x>"


@pytest.mark.parametrize(
    "raw",
    [
        None, 3, "x", {}, {"output_type": "odd"}, {"output_type": "display_data", "data": 3},
        {"output_type": "display_data", "data": {"application/javascript": "x"}},
        {"output_type": "display_data", "data": {"image/png": "<script>"}}, {"output_type": "stream"},
        {"output_type": "error", "traceback": "x"}, {"output_type": "execute_result", "data": {"text/plain": ["a", 1]}},
    ],
)  # fmt: skip
def test_outputs_of_any_shape_become_valid_ones(raw):
    import nbformat

    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "", "execution_count": None}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell | {"outputs": clean_outputs([raw])}]}
    nbformat.validate(nbformat.from_dict(notebook))


def test_long_outputs_are_cut():
    outputs = clean_outputs([{"output_type": "stream", "name": "stdout", "text": "x" * 100}] * 30, limit=1000)
    assert sum(len(o["text"]) for o in outputs) < 1200
    assert "too long" in outputs[-1]["text"]
