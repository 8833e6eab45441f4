"""Grading by workers on test hosts of their own, which see nothing of the instructor's: hand-ins, tests and gradebook
lie in folders that are covered there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from course_lib.grading import records
from tests.grading.classes.bad_input import good_class
from tests.grading.classes.demo_course import DemoCourse
from tests.grading.cluster.conftest import same_code
from tests.taxi.cluster.processes import processes
from tests.taxi.cluster.test_no_shared_disk import HEAD, WORKERS, hosts

__all__ = ["hosts"]


def test_a_class_is_graded_without_a_shared_disk(hosts, safe, tmp_path):
    mine = tmp_path / "mine"  # what only the head may see
    good_class(mine / "in", DemoCourse(mine / "own"))
    inside = ("ip", "netns", "exec", hosts[HEAD])
    (tmp_path / "running").mkdir()
    with processes(tmp_path / "running") as running:
        address = running.scheduler(*inside, host=HEAD)
        arguments = same_code(running.folder)
        for place in WORKERS:
            covered = f'mount -t tmpfs none {mine} && exec "$@"'
            before = ("ip", "netns", "exec", hosts[place], "unshare", "-m", "sh", "-c", covered, "sh")
            running.worker(
                address, place, *before, arguments=("--host", place, *arguments),
                environment={"COURSE_DATA_DIR": str(mine / "data")},
            )  # fmt: skip
        program = (
            "from course_lib.grading import crew, records\n"
            f"records.own_code = crew.own_code = lambda: {records.own_code()!r}\n"
            "from course_lib.cli import main\nmain()"
        )
        command = [*inside, sys.executable, "-c", program, "grade", "demo", "--submissions", str(mine / "in"), "--json"]
        command += ["--scheduler", address, *([] if safe else ["--unsafe"])]
        done = subprocess.run(
            command, env={**os.environ, "COURSE_ROOT": str(mine / "own")}, capture_output=True, text=True, cwd=mine
        )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert {score["student"]: score["points"] for score in told["scores"]} == {"amina": 12, "bence": 9, "Zoë": 1}
    assert (mine / "own" / "gradebook" / "gradebook.db").is_file()
    documents = list((mine / "own" / "gradebook" / "autograded").rglob("exercises.ipynb"))
    assert len(documents) == 3
    assert (documents[0].parent / "notes.txt").is_file()
