"""Stopped anywhere, started again; unchanged means nothing to do; a machine that fails costs nobody a point."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from course_lib.errors import UsageError
from course_lib.grading import grade_class, records
from course_lib.grading.assignment import AssignmentError
from course_lib.grading.coursefolders import plain_folders
from course_lib.grading.outcome import INFRA_ERROR, NotebookResult
from course_lib.grading.pool import Pool, WorkerLost
from course_lib.grading.sandbox.policy import SandboxUnavailable
from course_lib.grading.worker import NAME
from tests.grading.classes.bad_input import LIMITS, good_class, hand_in
from tests.grading.classes.demo_course import MODULE, SOLVED, DemoCourse, content
from tests.grading.classes.fixtures import has_sandbox
from tests.grading.classes.test_class import grades_of, run


@pytest.fixture
def base(course, tmp_path):
    good_class(tmp_path / "in", course)
    return tmp_path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_unchanged_means_nothing_to_do(base, course):
    first = run(course, base / "in", base)
    before = {p: p.stat().st_mtime_ns for p in (base / "gradebook" / "autograded").rglob("*.ipynb")}
    second = run(course, base / "in", base)
    assert (first.graded, second.graded, second.unchanged) == (3, 0, 3)
    assert grades_of(first) == grades_of(second)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_what_a_library_puts_on_the_path_is_no_other_environment(tmp_path, monkeypatch):
    (tmp_path / "private-1.0.dist-info").mkdir()
    records.environment.cache_clear()
    before = records.environment()
    monkeypatch.syspath_prepend(tmp_path)
    records.environment.cache_clear()
    assert records.environment() == before


def test_to_see_that_nothing_is_to_do_takes_no_library(base, course):
    program = (
        "from course_lib.grading import records\nrecords.own_code = lambda: OWN\n"  # somebody may be writing on it
        "import sys\nfrom pathlib import Path\nfrom course_lib.grading.coursefolders import plain_folders\n"
        "from course_lib.grading.grade_class import grade\nroot, base = map(Path, sys.argv[1:])\n"
        "folders = plain_folders(base)\n"
        "grade(['01_demo'], submissions=base / 'in', root=root, folders=folders, limits=LIMITS, unsafe=UNSAFE)\n"
        "print(sorted({'nbgrader', 'sqlalchemy', 'pandas', 'numpy', 'IPython', 'nbformat'} & sys.modules.keys()))\n"
    )
    first = run(course, base / "in", base)
    report = {path: path.stat().st_mtime_ns for path in first.files.values()}
    program = (
        f"OWN = {records.own_code()!r}\nfrom course_lib.grading.limits import Limits\n"
        f"LIMITS = {LIMITS!r}\nUNSAFE = {not has_sandbox()}\n{program}"
    )
    command = [sys.executable, "-c", program, str(course.root), str(base)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"
    assert {path: path.stat().st_mtime_ns for path in report} == report


def test_the_report_follows_what_people_enter(base, course):
    from nbgrader.api import Gradebook

    first = run(course, base / "in", base)
    with Gradebook(plain_folders(base).db_url, "default_course") as gradebook:
        grade = gradebook.find_grade("why", "exercises", MODULE, "amina")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 3.0, 0.5, False
        gradebook.db.commit()
    second = run(course, base / "in", base)
    assert second.graded == 0
    assert {s.student: s.final for s in second.scores}["amina"] == 15.5
    rows = [row for row in read_csv(first.files["scores"]) if row["student"] == "amina" and row["notebook"] == "all"]
    assert [row["final"] for row in rows] == ["15.5"]


def test_a_gradebook_of_another_kind_is_asked_through_nbgrader(base, course, monkeypatch):
    from course_lib.grading import class_job

    first = run(course, base / "in", base)
    monkeypatch.setattr(class_job, "standing", lambda *_: None)
    second = run(course, base / "in", base)
    assert (second.graded, second.unchanged) == (0, 3)
    assert [score.points for score in second.scores] == [score.points for score in first.scores]
    (base / "gradebook" / "gradebook.db").unlink()
    assert run(course, base / "in", base).graded == 3


def test_stopped_in_the_middle_it_goes_on_with_the_rest(base, course):
    class Stopped(Exception):
        pass

    def stop_after_one(done, _total, _result):
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        run(course, base / "in", base, jobs=1, progress=stop_after_one)
    result = run(course, base / "in", base)
    assert (result.graded, result.unchanged) == (2, 1)


def test_grades_without_a_record_are_made_again(base, course):
    first = run(course, base / "in", base)
    next((base / "gradebook" / "results" / MODULE).glob("amina*.json")).unlink()
    second = run(course, base / "in", base)
    assert second.graded == 1
    assert grades_of(first) == grades_of(second)


def test_a_lost_gradebook_is_written_again(base, course):
    run(course, base / "in", base)
    (base / "gradebook" / "gradebook.db").unlink()
    assert run(course, base / "in", base).graded == 3


class Failing(Pool):
    """A pool in which the machine fails for some students: ``failures`` says how often, by name."""

    failures: dict[str, int] = {}  # noqa: RUF012

    def run(self, orders):
        for order, answer in super().run(orders):
            student = order["submission"].student if "submission" in order else ""
            left = self.failures.get(student, 0)
            if left:
                self.failures[student] = left - 1
                if left % 2:
                    yield order, WorkerLost("the machine failed")
                    continue
                broken = [NotebookResult(n.name, INFRA_ERROR, problem="no memory left") for n in answer.notebooks]
                answer.notebooks = [broken[0], *answer.notebooks[1:]]
            yield order, answer


def test_a_machine_that_fails_once_costs_nothing(base, course, monkeypatch):
    monkeypatch.setattr(grade_class, "Pool", Failing)
    monkeypatch.setattr(Failing, "failures", {"amina": 2})
    result = run(course, base / "in", base)
    assert {r.student: r.status for r in result.results}["amina"] == "graded"
    assert result.complete


def test_an_infra_error_is_no_score_and_no_zero(base, course, monkeypatch):
    from nbgrader.api import Gradebook

    monkeypatch.setattr(grade_class, "Pool", Failing)
    monkeypatch.setattr(Failing, "failures", {"amina": 99})
    result = run(course, base / "in", base)
    amina = next(r for r in result.results if r.student == "amina")
    assert (amina.status, amina.points) == (INFRA_ERROR, None)
    assert not result.complete
    with Gradebook(plain_folders(base).db_url, "default_course") as gradebook:
        assert sorted(s.id for s in gradebook.students) == ["Zoë", "bence"]
    assert not (base / "gradebook" / "autograded" / "amina").exists()
    rows = [row for row in read_csv(result.files["scores"]) if row["student"] == "amina" and row["notebook"] == "all"]
    assert [(row["status"], row["points"], row["final"]) for row in rows] == [("infra_error", "", "")]
    canvas = {row["Student"].strip(): row[MODULE] for row in read_csv(result.files["canvas"])}
    assert canvas["amina"] == ""
    monkeypatch.setattr(Failing, "failures", {})
    again = run(course, base / "in", base)
    assert (again.graded, again.complete) == (1, True)
    assert {r.student: r.points for r in again.results}["amina"] == 12.0


def test_an_infra_error_leaves_an_earlier_grade_alone(base, course, monkeypatch):
    run(course, base / "in", base)
    monkeypatch.setattr(grade_class, "Pool", Failing)
    monkeypatch.setattr(Failing, "failures", {"amina": 99})
    run(course, base / "in", base, force=True)
    monkeypatch.setattr(Failing, "failures", {})
    again = run(course, base / "in", base)
    assert {r.student: r.points for r in again.results}["amina"] == 12.0


def is_worker(process: psutil.Process) -> bool:
    try:
        return process.name() == NAME
    except psutil.Error:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_worker_that_is_killed_is_replaced(base, course):
    killed = []

    def kill_a_worker(done, _total, _result):
        if done == 1 and not killed:
            workers = [process for process in psutil.Process().children() if is_worker(process)]
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    result = run(course, base / "in", base, jobs=1, progress=kill_a_worker)
    assert killed
    assert result.complete
    assert result.graded == 3


def test_tests_that_the_solution_fails_grade_nobody(base, tmp_path_factory):
    broken = DemoCourse(tmp_path_factory.mktemp("broken"))
    path = broken.root / "solutions" / MODULE / "exercises.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("expect([], 0)", "expect([], 1)"), encoding="utf-8")
    with pytest.raises(AssignmentError, match="the solution itself loses points here, so nobody was graded"):
        run(broken, base / "in", base)
    assert not (base / "gradebook" / "autograded").exists()


def test_without_a_sandbox_it_refuses(base, course, monkeypatch):
    from course_lib.grading.sandbox import probe

    monkeypatch.setattr(probe, "probe", lambda: probe.Probe("there is no bubblewrap here"))
    with pytest.raises(SandboxUnavailable, match="--unsafe"):
        run(course, base / "in", base, unsafe=False)
    assert not (base / "gradebook" / "autograded").exists()
    assert run(course, base / "in", base, unsafe=True).complete


@pytest.mark.parametrize(
    ("options", "message"),
    [({"modules": ["09_none"]}, "there is no built module 09_none"), ({"jobs": 0}, "--jobs is 0")],
)
def test_wrong_questions(base, course, options, message):
    asked = {
        "modules": [MODULE],
        "submissions": base / "in",
        "root": course.root,
        "folders": plain_folders(base),
        **options,
    }
    with pytest.raises(UsageError, match=message):
        grade_class.grade(asked.pop("modules"), **asked)


def test_the_command_prints_one_object(base, course):
    hand_in(base / "in", "carla", content(course.answered(SOLVED)), course)
    (base / "in" / "exercises.ipynb").write_bytes(content(course.answered(SOLVED)))
    command = [sys.executable, "-m", "course_lib", "grade", MODULE, "--submissions", str(base / "in"), "--json"]
    command += [] if has_sandbox() else ["--unsafe"]
    root = DemoCourse(base / "course").root
    done = subprocess.run(
        command, env={**os.environ, "COURSE_ROOT": str(root)}, capture_output=True, text=True, encoding="utf-8"
    )
    answer = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr  # one file belongs to nobody
    assert (answer["graded"], answer["statuses"]) == (4, {"graded": 4})
    assert answer["rejected"][0]["file"] == "exercises.ipynb"
    assert Path(answer["files"]["report"]).is_file()
    wrong = subprocess.run(
        [*command, "--jobs", "0"], env={**os.environ, "COURSE_ROOT": str(root)}, capture_output=True, text=True
    )
    assert (wrong.returncode, wrong.stdout) == (2, "")
