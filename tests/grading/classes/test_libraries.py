"""What hand-ins import besides the instructor's own libraries changes when and where it is imported, and no grade."""

from __future__ import annotations

import pytest

from course_lib.grading.libraries import imported, long_first, shared
from course_lib.grading.limits import Limits
from course_lib.grading.submissions import HandedFile, Submission
from course_lib.grading.worker import Setting
from tests.grading.classes.bad_input import answer, hand_in
from tests.grading.classes.demo_course import SOLVED, content
from tests.grading.classes.test_class import grades_of, run


def handed(student, source):
    return Submission(student, "01_demo", {"exercises": HandedFile("x.ipynb", source.encode())})


def test_imports_are_read_from_the_text():
    submission = handed("a", r'{"source": ["import os.path as p\n", "from sklearn.linear_model import Ridge\n"]}')
    assert {"os.path", "sklearn.linear_model"} <= imported(submission)
    assert imported(handed("b", "reimport numpy; important; xfrom scipy; from  math import sqrt")) == {"math", "sqrt"}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["import mlflow"], []),
        (["import mlflow", "import mlflow"], ["mlflow"]),
        (["import mlflow\nimport mlflow", "x = 1"], []),
        (["from scipy.stats import norm", "import scipy.stats as s"], ["scipy.stats"]),
        (["import sklearn.linear_model._base"] * 2, ["sklearn.linear_model"]),
        (["import evil", "import evil", "import course_lib.grading.worker"], []),
        (["import mlflowx"] * 2, []),
    ],
)
def test_only_usual_libraries_that_several_use_are_imported_beforehand(sources, expected):
    assert shared(handed(str(n), source) for n, source in enumerate(sources)) == expected


def test_who_has_a_long_import_to_do_comes_first():
    class_ = [
        handed("a", "x = 1"),
        handed("b", "import mlflow"),
        handed("c", "import pandas"),
        handed("d", "import os"),
    ]
    setting = Setting([], {}, ["pandas"], Limits(), sandboxed=False)
    assert [s.student for s in long_first(class_, setting)] == ["b", "a", "c", "d"]
    setting.modules.append("mlflow")
    assert [s.student for s in long_first(class_, setting)] == ["a", "b", "c", "d"]


def test_no_grade_depends_on_what_others_import(course, tmp_path):
    total = (
        "import sys\nfrom scipy.stats import gmean\nprint(sorted(m for m in sys.modules if m == 'x'))\n"
        + SOLVED["total"]
    )
    hand_in(tmp_path / "one", "amina", answer(course, total=total), course)
    hand_in(tmp_path / "two", "amina", answer(course, total=total), course)
    hand_in(tmp_path / "two", "bence", answer(course, total=total), course)
    hand_in(tmp_path / "two", "carla", content(course.released("exercises")), course)
    patient = Limits(cell_seconds=60, notebook_seconds=120)  # on a busy machine an import takes its time
    alone = grades_of(run(course, tmp_path / "one", tmp_path / "a", limits=patient))
    together = grades_of(run(course, tmp_path / "two", tmp_path / "b", limits=patient))
    assert together["amina"] == together["bence"] == alone["amina"]
