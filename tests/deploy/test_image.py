"""The image's recipe: what goes in, that it is enough to install the course, and that no solution is among it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch

import pytest

from course_lib.install import fingerprint
from tests.deploy.packages import ROOT

DEPLOY = ROOT / "deploy"


def instructions():
    """(word, rest) of each instruction, with lines that go on put together."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def copied():
    """(source, target) of every COPY."""
    pairs = []
    for word, rest in instructions():
        if word == "COPY":
            *sources, target = shlex.split(rest)
            pairs += [(source, target) for source in sources]
    return pairs


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    """The image's /opt/course, before anything is installed."""
    folder = tmp_path_factory.mktemp("image") / "course"
    for source, target in copied():
        place = folder / target / (source if target.endswith("/") else "")
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)
    return folder


def test_every_instruction_is_known():
    known = {"ARG", "FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in instructions()} <= known
    words = [word for word, _ in instructions()]
    # who runs it is settled before it is run, and what changes seldom is installed before the code comes
    assert words.index("USER") < words.index("ENTRYPOINT")
    order = [rest for word, rest in instructions() if word in ("RUN", "COPY")]
    locked = next(i for i, rest in enumerate(order) if "--require-hashes" in rest)
    assert locked < order.index("course_lib course_lib")


def test_nothing_but_what_is_copied_reaches_the_builder():
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and rule[0] != "#"]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert let_in == {source for source, _ in copied()}
    for kept_back in ("solutions", "tests", "modules", "gradebook", "data", "build", ".git"):
        assert not any(fnmatch(kept_back, rule) for rule in let_in)


def test_everything_is_installed_by_hash():
    for word, rest in instructions():
        for command in re.findall(r"pip install [^&]*", rest) if word == "RUN" else []:
            assert "--require-hashes" in command
            assert "--no-deps" in command


def test_the_course_installs_from_what_is_copied(inside, tmp_path):
    assert fingerprint(inside)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=inside, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("taxi_mlops_workbook-*.whl"))


def test_the_command_that_the_hub_starts_is_there(inside):
    (command,) = [rest for word, rest in instructions() if word == "CMD"]
    assert command == '["course", "lab", "--hub"]'
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(inside), "HOME": str(inside)}
    words = [
        "-c",
        "import course_lib, sys; from course_lib.cli import main; sys.argv = ['course', 'lab', '--hub']; main()",
    ]
    done = subprocess.run([sys.executable, *words], env=environment, cwd=inside, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--hub is for JupyterHub" in done.stderr
