"""Workers on test hosts of their own: other addresses, other disks; nothing in common but the store and the scheduler.

The hosts are network namespaces of Linux, joined by a bridge that leads nowhere else. On a worker's host, the folders
of the one who asks are covered by empty ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid

import pytest

from course_lib.taxi import monthfile
from tests.taxi.cluster.conftest import MONTHS
from tests.taxi.cluster.processes import KEYS, processes, wait_for

COURSE = (sys.executable, "-m", "course_lib")
HEAD, WORKERS, PORT = "10.231.0.1", ("10.231.0.2", "10.231.0.3"), 5000


def _can_make_hosts() -> str | None:
    """Why network namespaces can't be made here; None where they can."""
    if sys.platform != "linux" or not (shutil.which("ip") and shutil.which("unshare")):
        return "needs Linux with iproute2 and util-linux"
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    name = f"course-{uuid.uuid4().hex[:6]}"
    tried = subprocess.run(("ip", "netns", "add", name), capture_output=True, text=True)
    subprocess.run(("ip", "netns", "del", name), capture_output=True)
    return None if tried.returncode == 0 else f"network namespaces can't be made: {tried.stderr.strip()}"


@pytest.fixture
def hosts():
    """A head and two workers, by address: each name of a namespace. They are gone after the test."""
    if why := _can_make_hosts():
        pytest.skip(why)
    mark = uuid.uuid4().hex[:6]
    names = {address: f"course-{mark}-{number}" for number, address in enumerate((HEAD, *WORKERS))}
    try:
        for name in names.values():
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        head = names[HEAD]
        _ip("-n", head, "link", "add", "bridge", "type", "bridge")
        _ip("-n", head, "addr", "add", f"{HEAD}/24", "dev", "bridge")
        _ip("-n", head, "link", "set", "bridge", "up")
        for number, address in enumerate(WORKERS):
            there = names[address]
            _ip("-n", head, "link", "add", f"to{number}", "type", "veth", "peer", "name", "net0", "netns", there)
            _ip("-n", head, "link", "set", f"to{number}", "master", "bridge", "up")
            _ip("-n", there, "addr", "add", f"{address}/24", "dev", "net0")
            _ip("-n", there, "link", "set", "net0", "up")
        yield names
    finally:
        for name in names.values():
            subprocess.run(("ip", "netns", "del", name), capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True, text=True)


def test_all_three_without_a_shared_disk(hosts, files, tmp_path):
    mine = tmp_path / "mine"  # what only the head may see
    mine.mkdir()
    settings = {**KEYS, "FSSPEC_S3_ENDPOINT_URL": f"http://{HEAD}:{PORT}", "COURSE_DATA_DIR": str(mine / "data")}
    inside = ("ip", "netns", "exec", hosts[HEAD])
    with processes(tmp_path / "running") as running:
        (tmp_path / "running").mkdir()
        running.s3(*inside, host=HEAD, port=PORT)
        address = running.scheduler(*inside, host=HEAD)
        for place in WORKERS:
            covered = f'mount -t tmpfs none {mine} && mount -t tmpfs none {files} && exec "$@"'
            before = ("ip", "netns", "exec", hosts[place], "unshare", "-m", "sh", "-c", covered, "sh")
            environment = {**KEYS, "FSSPEC_S3_ENDPOINT_URL": settings["FSSPEC_S3_ENDPOINT_URL"]}
            environment["COURSE_DATA_DIR"] = str(mine / "data")
            running.worker(
                address, place, *before, arguments=("--host", place, "--local-directory", str(mine)),
                environment=environment,
            )  # fmt: skip

        def here(*command: str, good: int = 0) -> subprocess.CompletedProcess:
            done = subprocess.run(
                (*inside, *command), env={**os.environ, **settings}, capture_output=True, text=True, cwd=mine
            )
            assert done.returncode == good, done.stderr[-3000:] + running.log()
            return done

        def upload() -> None:
            script = "import sys; from course_lib.taxi import storage\nstorage.at('s3://taxi').system().mkdir('taxi')\n"
            script += "from pathlib import Path\nfor p in Path(sys.argv[1]).iterdir():\n"
            script += "    storage.at('s3://taxi/months').send(p, p.name)"
            done = subprocess.run(
                (*inside, sys.executable, "-c", script, str(files)), env={**os.environ, **settings}, capture_output=True
            )
            if done.returncode:
                raise OSError(done.stderr)

        wait_for(upload, running.started[0], running.log)
        assert len(list(files.iterdir())) == len(MONTHS), monthfile.name_of("*")
        common = ("--scheduler", address, "--json")
        far = ("--source", "s3://taxi/months", *common)
        places = ("--tracking", str(mine / "mlflow"))
        filled = json.loads(
            here(
                *COURSE, "backfill", "--months", "2021-01:2021-02", "--model", "linear", *places, *far,
                "--folder", "s3://taxi/state",
            ).stdout
        )  # fmt: skip
        assert [one["ok"] for one in filled["months"]] == [True, True]
        scored = json.loads(
            here(*COURSE, "score", "--months", "2021-03", *places, *far, "--folder", "s3://taxi/scored").stdout
        )
        assert scored["failed"] == {}
        train = ("train", "--train", "2021-01:2021-02", "--valid", "2021-03")
        trained = json.loads(here(*COURSE, *train, *far, "--work", "s3://taxi/work").stdout)
        alone = json.loads(here(*COURSE, *train, "--source", str(files), "--work", str(mine / "w"), "--json").stdout)
        assert trained["scores"] == alone["scores"]
        said = here(*COURSE, *train, *far, "--work", str(mine / "work"), good=1).stderr
        assert "doesn't see the folder" in said
        assert "s3://bucket/folder" in said
        assert "Traceback" not in said
