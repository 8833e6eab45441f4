"""A class on a machine of its own: accounts, the folders of README.md, the course published, the hub started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from course_lib.workbook import ports
from course_lib.workbook.build import build
from tests.deploy.browser import Browser
from tests.deploy.machine import Machine
from tests.deploy.packages import ROOT, packages
from tests.workbook import small_course

HOMES = "/home"
CHECKOUT = f"{HOMES}/teacher/course"
RELEASE = "/srv/course-release.git"
COURSE = str(Path(sys.executable).with_name("course"))
_PATIENCE = 120  # seconds


def password_of(name: str) -> str:
    return f"{name[::-1]}-4-{name}"


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
        self.process.wait(_PATIENCE)

    def browser(self, name: str) -> Browser:
        return Browser(self.address, name)

    def come_in(self, names: Iterable[str]) -> dict[str, Browser]:
        """Students who log in at the same time; they are in when their servers show the start page."""
        names = list(names)
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(self._comes_in, names), strict=True))

    def _comes_in(self, name: str) -> Browser:
        browser = self.browser(name)
        page = browser.log_in(password_of(name))
        assert page.ok, f"{page.status_code}: {page.text[-1500:]}"
        page = browser.start()
        assert (page.status_code, page.url) == (200, f"{self.address}/user/{name}/lab/tree/start.ipynb"), page.text[
            :500
        ]
        return browser

    def course(self, *words: str) -> str:
        """The instructor types a ``course`` command in the folder with the whole course."""
        return self.machine.sure(COURSE, *words, user="teacher", env={"COURSE_ROOT": CHECKOUT})


@contextmanager
def classroom(folder: Path, students: Iterable[str], strangers: Iterable[str] = ()) -> Iterator[Machine]:
    """A machine below ``folder`` with accounts for students, a teacher and people who are neither."""
    students = list(students)
    machine = Machine(folder)
    try:
        names = [*students, "teacher", *strangers]
        for name in names:
            machine.sure("useradd", "-m", "-k", "/nowhere", name)
            machine.sure("chmod", "700", f"{HOMES}/{name}")
        machine.sure("chpasswd", text="".join(f"{name}:{password_of(name)}\n" for name in names))
        machine.sure("sh", "-e", text=_as_root())
        for name in students:
            machine.sure("usermod", "--append", "--groups", "students", name)
        course = small_course.write(machine.home / "teacher/course")
        for name in ("pyproject.toml", "requirements.lock", ".gitignore"):
            shutil.copy(ROOT / name, course)
        assert build(root=course).problems == []
        machine.sure("chown", "-R", "teacher:teacher", CHECKOUT)
        machine.sure("git", "-C", CHECKOUT, "init", "-q", "-b", "main", user="teacher")
        publish(machine)
        yield machine
    finally:
        machine.stop()


@contextmanager
def running(machine: Machine, log: Path) -> Iterator[Hub]:
    """The hub with the settings of deploy/, on free ports; it ends with the block."""
    extra = packages("deploy")
    public, inner, proxy = (ports.find_free_port() for _ in range(3))
    address = f"http://127.0.0.1:{public}"
    programs = [str(extra / "bin"), str(Path(sys.executable).parent), "/usr/sbin:/usr/bin:/sbin:/bin"]
    command = machine.command(
        *(sys.executable, "-m", "jupyterhub", "-f", str(ROOT / "deploy/jupyterhub_config.py")),
        f"--JupyterHub.bind_url={address}",
        f"--JupyterHub.hub_port={inner}",
        f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{proxy}",
        "--JupyterHub.pid_file=/srv/course-hub/hub.pid",
        env={"PYTHONPATH": str(extra), "PATH": os.pathsep.join(programs)},
    )
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd="/")
    hub = Hub(machine, address, process, log)
    try:
        _wait_for(hub)
        yield hub
    finally:
        if process.poll() is None:
            hub.end()


def publish(machine: Machine) -> None:
    """The teacher commits what there is, and publishes it."""
    git = ["git", "-C", CHECKOUT, "-c", "user.name=Teacher", "-c", "user.email=teacher@example.org"]
    machine.sure(*git, "add", "-A", user="teacher")
    machine.sure(*git, "commit", "-qm", "an edition", user="teacher")
    words = f"umask 077; {COURSE} publish {RELEASE}"  # a careful instructor's; students must be able to read it
    machine.sure("sh", "-c", words, user="teacher", env={"COURSE_ROOT": CHECKOUT})


def _as_root() -> str:
    """What README.md tells root to type: groups and folders."""
    readme = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "groupadd" in text]
    return block


def _wait_for(hub: Hub) -> None:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        assert hub.process.poll() is None, hub.log.read_text()[-3000:]
        try:
            if requests.get(f"{hub.address}/hub/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(hub.log.read_text()[-3000:])
