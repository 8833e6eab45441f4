"""A real JupyterHub with two students and an instructor, as deploy/ sets it up, from first login to grades."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from course_lib.grading.sandbox.probe import probe
from course_lib.workbook import ports
from course_lib.workbook.build import build
from tests.deploy.browser import Browser
from tests.deploy.machine import Machine
from tests.deploy.packages import ROOT, packages
from tests.workbook import small_course

MODULE = small_course.MODULE
EXERCISES = f"{MODULE}/exercises.ipynb"
PASSWORDS = {"alice": "a-secret-4-alice", "bob": "b-secret-4-bob", "teacher": "t-secret-4-teacher"}
HOMES = "/home"
CHECKOUT = f"{HOMES}/teacher/course"
RELEASE = "/srv/course-release.git"
RIGHT = "def double(n):\n    return n + n\n"
COURSE = str(Path(sys.executable).with_name("course"))


@dataclass
class Hub:
    """A running hub on a machine with accounts: how to reach it, and what it said so far."""

    machine: Machine
    address: str
    process: subprocess.Popen
    log: Path

    def end(self) -> None:
        """Tell the hub to end, as the system does, and wait until it has."""
        self.machine.sure("sh", "-c", "kill $(cat /srv/course-hub/hub.pid)")
        self.process.wait(60)

    def browser(self, name: str) -> Browser:
        return Browser(self.address, name)

    def course(self, *words: str) -> str:
        """The instructor types a ``course`` command in the folder with the whole course."""
        return self.machine.sure(COURSE, *words, user="teacher", env={"COURSE_ROOT": CHECKOUT})


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Iterator[Machine]:
    """Three accounts in their groups, the folders that README.md names, and the course at its instructor's."""
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(folder)
    try:
        for name in (*PASSWORDS, "stranger"):
            machine.sure("useradd", "-m", "-k", "/nowhere", name)
            machine.sure("chmod", "700", f"/home/{name}")
        machine.sure("chpasswd", text="".join(f"{name}:{password}\n" for name, password in PASSWORDS.items()))
        machine.sure("chpasswd", text="stranger:s-secret\n")
        machine.sure("sh", "-e", text=as_root())
        for name in ("alice", "bob"):
            machine.sure("usermod", "--append", "--groups", "students", name)
        course = small_course.write(folder / "home/teacher/course")
        for name in ("pyproject.toml", "requirements.lock", ".gitignore"):
            shutil.copy(ROOT / name, course)
        assert build(root=course).problems == []
        machine.sure("chown", "-R", "teacher:teacher", CHECKOUT)
        machine.sure("git", "-C", CHECKOUT, "init", "-q", "-b", "main", user="teacher")
        commit(machine)
        yield machine
    finally:
        machine.stop()


@pytest.fixture(scope="module")
def hub(machine, tmp_path_factory) -> Iterator[Hub]:
    extra = packages("deploy")
    public, inner, proxy = (ports.find_free_port() for _ in range(3))
    address, log = f"http://127.0.0.1:{public}", tmp_path_factory.mktemp("hub") / "log"
    environment = {
        "PYTHONPATH": str(extra),
        "PATH": os.pathsep.join(
            [str(extra / "bin"), str(Path(sys.executable).parent), "/usr/sbin:/usr/bin:/sbin:/bin"]
        ),
    }
    command = machine.command(
        *(sys.executable, "-m", "jupyterhub", "-f", str(ROOT / "deploy/jupyterhub_config.py")),
        f"--JupyterHub.bind_url={address}",
        f"--JupyterHub.hub_port={inner}",
        f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{proxy}",
        "--JupyterHub.pid_file=/srv/course-hub/hub.pid",
        env=environment,
    )
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd="/")
    hub = Hub(machine, address, process, log)
    try:
        wait_for(hub)
        yield hub
    finally:
        if process.poll() is None:
            hub.end()


def as_root() -> str:
    """What README.md tells root to type: groups and folders."""
    readme = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "groupadd" in text]
    return block


def wait_for(hub: Hub) -> None:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        assert hub.process.poll() is None, hub.log.read_text()[-3000:]
        try:
            if requests.get(f"{hub.address}/hub/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(hub.log.read_text()[-3000:])


def unsafe() -> list[str]:
    """Grading refuses without a sandbox, and this is no test of it."""
    return [] if probe().problem is None else ["--unsafe"]


def commit(machine: Machine) -> None:
    who = ["-c", "user.name=Teacher", "-c", "user.email=teacher@example.org"]
    git = ["git", "-C", CHECKOUT, *who]
    machine.sure(*git, "add", "-A", user="teacher")
    machine.sure(*git, "commit", "-qm", "an edition", user="teacher")
    publish = f"umask 077; {COURSE} publish {RELEASE}"  # a careful instructor's; students must be able to read it
    machine.sure("sh", "-c", publish, user="teacher", env={"COURSE_ROOT": CHECKOUT})


@pytest.fixture(scope="module")
def students(hub) -> dict[str, Browser]:
    """Alice and Bob, logged in at the same time, their servers running."""

    def come_in(name: str) -> Browser:
        browser = hub.browser(name)
        assert browser.log_in(PASSWORDS[name]).ok
        page = browser.start()
        assert (page.status_code, page.url) == (200, f"{hub.address}/user/{name}/lab/tree/start.ipynb"), page.text[:500]
        return browser

    with ThreadPoolExecutor() as pool:
        browsers = pool.map(come_in, ("alice", "bob"))
        return {browser.name: browser for browser in browsers}


def test_only_students_and_instructors_with_their_passwords_come_in(hub):
    for name, password in (("alice", "wrong"), ("stranger", "s-secret"), ("alice", PASSWORDS["bob"]), ("root", "")):
        browser = hub.browser(name)
        assert browser.log_in(password).status_code == 403, name
        assert browser.get(f"/hub/api/users/{name}").status_code == 403
    teacher = hub.browser("teacher")
    assert teacher.log_in(PASSWORDS["teacher"], follow=False).status_code == 302
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
    commit(hub.machine)
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
