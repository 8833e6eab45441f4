"""Which of the students' names a cell is about."""

from __future__ import annotations

import pytest

from course_lib.grading.sourcecode import words


@pytest.mark.parametrize(
    ("source", "mentioned"),
    [
        ("assert append(log, 1) == 2", True),
        ("check('append', append_all)", True),  # tests name an answer in a message, or hand its name over
        ("x = [*append(log)]", True),
        ("found.append(1)", False),  # a list's own: a task called append has nothing to do with it
        ("append_all(log); reappend(log)", False),
    ],
)
def test_a_name_is_mentioned_where_it_stands_for_itself(source, mentioned):
    assert ("append" in words(source)) == mentioned
