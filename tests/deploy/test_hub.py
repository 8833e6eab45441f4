"""A real JupyterHub with two students and an instructor, as deploy/ sets it up, from first login to grades."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import pytest

from course_lib.grading.sandbox.probe import probe
from tests.deploy.browser import Browser
from tests.deploy.hub import HOMES, Hub, classroom, password_of, publish, running
from tests.deploy.machine import Machine
from tests.workbook import small_course

MODULE = small_course.MODULE
EXERCISES = f"{MODULE}/exercises.ipynb"
RIGHT = "def double(n):\n    return n + n\n"


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Iterator[Machine]:
    with classroom(tmp_path_factory.mktemp("machine"), ["alice", "bob"], ["stranger"]) as machine:
        yield machine


@pytest.fixture(scope="module")
def hub(machine, tmp_path_factory) -> Iterator[Hub]:
    with running(machine, tmp_path_factory.mktemp("hub") / "log") as hub:
        yield hub


@pytest.fixture(scope="module")
def students(hub) -> dict[str, Browser]:
    """Alice and Bob, logged in at the same time, their servers running."""
    return hub.come_in(["alice", "bob"])


def unsafe() -> list[str]:
    """Grading refuses without a sandbox, and this is no test of it."""
    return [] if probe().problem is None else ["--unsafe"]


def test_only_students_and_instructors_with_their_passwords_come_in(hub):
    for name, password in (("alice", "wrong"), ("stranger", password_of("stranger")), ("alice", password_of("bob"))):
        browser = hub.browser(name)
        assert browser.log_in(password).status_code == 403, name
        assert browser.get(f"/hub/api/users/{name}").status_code == 403
    teacher = hub.browser("teacher")
    assert teacher.log_in(password_of("teacher"), follow=False).status_code == 302
    assert teacher.get("/hub/api/users/teacher").json()["admin"] is True


def test_each_student_finds_the_workbook_and_runs_it_under_their_own_account(students):
    look = (
        "import json, os, pwd, subprocess\n"
        "from course_lib import paths\n"
        "names = ['COURSE_STUDENT', 'MLFLOW_DISABLE_TELEMETRY', 'DO_NOT_TRACK']\n"
        "told = {name: os.environ.get(name) for name in names}\n"
        "told |= {'account': pwd.getpwuid(os.getuid()).pw_name, 'root': str(paths.project_root())}\n"
        "told['files'] = sorted(os.listdir('..'))\n"
        "told['open'] = sorted(f for f in os.listdir() if os.stat(f).st_mode & 0o007)\n"
        "print(json.dumps(told))"
    )
    for name, browser in students.items():
        assert "# A small lesson" in str(browser.notebook(f"{MODULE}/lesson.ipynb"))
        told = json.loads(browser.execute(look))
        assert (told["account"], told["COURSE_STUDENT"], told["root"]) == (name, name, f"/home/{name}/workbook")
        assert (told["MLFLOW_DISABLE_TELEMETRY"], told["DO_NOT_TRACK"]) == ("true", "true")
        assert {"modules", "pyproject.toml", "requirements.lock"} <= set(told["files"])
        assert not {"solutions", "nbgrader_config.py"} & set(told["files"])


def test_students_see_nothing_of_each_other_s_and_nothing_of_the_instructor_s(hub, students):
    hub.machine.sure("touch", "/srv/course-drop/bob/secret.zip", user="bob")
    assert hub.machine.sure("ls", "/srv/course-drop/bob", user="teacher").split() == ["secret.zip"]
    closed = (
        *("/srv/course-drop/bob", "/srv/course-drop", "/srv/course-hub", f"{HOMES}/bob", f"{HOMES}/teacher"),
        *(
            "/srv/course-drop/bob/secret.zip",
            f"{HOMES}/bob/workbook/modules/start.ipynb",
            "/srv/course-hub/cookie-secret",
        ),
    )
    code = (
        "import os\n"
        f"for path in {closed!r}:\n"
        "    try:\n"
        "        print(os.listdir(path) if not '.' in path else open(path).read())\n"
        "    except PermissionError:\n"
        "        print('closed')\n"
        "for path in ('/srv/course-drop/bob/x', '/srv/course-drop/x', '/srv/course-release.git/x'):\n"
        "    try:\n"
        "        print(open(path, 'w'))\n"
        "    except PermissionError:\n"
        "        print('closed')\n"
    )
    assert students["alice"].execute(code).split() == ["closed"] * (len(closed) + 3)
    assert students["alice"].get("/user/bob/api/contents/start.ipynb").status_code == 403
    hub.machine.sure("rm", "/srv/course-drop/bob/secret.zip", user="bob")


def test_both_hand_in_and_the_instructor_grades_the_drop_folder_as_it_is(hub, students):
    alice, bob = students["alice"], students["bob"]
    alice.answer(EXERCISES, "double", RIGHT)
    bob.answer(EXERCISES, "stage", 'stage = "evaluation"')
    assert "Handed in as alice" in alice.execute(f"!course submit {MODULE}")
    # who says to be somebody else hands in for himself all the same
    assert "leave --student out" in bob.execute(f"!course submit {MODULE} --student alice")
    assert "Handed in as alice" in bob.execute(f"!COURSE_STUDENT=alice course submit {MODULE}")
    result = json.loads(hub.course("grade", MODULE, "--submissions", "/srv/course-drop", "--json", *unsafe()))
    scores = {score["student"]: score for score in result["scores"]}
    assert {name: score["points"] for name, score in scores.items()} == {"alice": 8, "bob": 2}
    (bobs,) = [one for one in result["submissions"] if one["student"] == "bob"]
    assert bobs["notebooks"][0]["repairs"] == [
        f"alice-{MODULE}.zip says that it is from 'alice'; it lay in the folder of bob"
    ]
    again = hub.course("grade", MODULE, "--submissions", "/srv/course-drop", "--json", *unsafe())
    assert json.loads(again)["unchanged"] == 2


def test_an_update_reaches_both_and_costs_neither_an_answer(hub, students):
    alice, bob = students["alice"], students["bob"]
    alice.answer(EXERCISES, "double", "def double(n):\n    return 2 * n  # alice's\n")
    bob.answer(EXERCISES, "worth_it", "Because of bob.")
    course = hub.machine.home / "teacher/course"
    for name, old in (("lesson", "The end."), ("exercises", "# Exercises")):
        small_course.edit(course / "modules" / MODULE / f"{name}.ipynb", old, f"{old} Mended.")
    publish(hub.machine)
    # alice asks for it; bob's comes with the next start of his server
    assert "with your answers in it" in alice.execute("!course update")
    bob.stop()
    assert bob.start().ok
    for name, answer in (("alice", "alice's"), ("bob", "Because of bob.")):
        browser = students[name]
        assert "The end. Mended." in str(browser.notebook(f"{MODULE}/lesson.ipynb"))
        exercises = str(browser.notebook(EXERCISES))
        assert "# Exercises Mended." in exercises
        assert answer in exercises
        assert "with your answers in it" in browser.get(f"/user/{name}/api/contents/UPDATES.md").text
        assert "Handed in" in browser.execute(f"!course submit {MODULE}")


def test_nothing_listens_to_other_machines(hub, students):
    code = (
        "import json, psutil\n"
        "seen = psutil.net_connections('inet')\n"
        "print(json.dumps([c.laddr.ip for c in seen if c.status == 'LISTEN' and c.pid]))"
    )
    assert all(browser.start_kernel() for browser in students.values())
    addresses = json.loads(hub.machine.sure(sys.executable, "-c", code))
    assert len(addresses) >= 5  # the proxy twice, the hub, two servers; kernels are reached by files
    assert set(addresses) == {"127.0.0.1"}


def test_when_the_hub_ends_everything_ends(hub, students):
    assert all(browser.start_kernel() for browser in students.values())
    running = hub.machine.processes()
    for part in ("jupyterhub -f", "configurable-http-proxy", "course lab --hub", "ipykernel"):
        assert any(part in line for line in running), part
    hub.end()
    give_up = time.monotonic() + 60
    while (left := hub.machine.processes()) and time.monotonic() < give_up:
        time.sleep(0.2)
    assert left == []
