"""The porter keeps sandboxes ready and empties them; a worker's processes stay where it is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from course_lib.grading import nurseries
from course_lib.grading.execution import StudentsFolder
from course_lib.grading.processes.starter import STUDENT, CannotStart, Process, Starter
from tests.grading.classes.fixtures import LIMITS, has_sandbox
from tests.grading.conftest import wait_until

pytestmark = pytest.mark.skipif(not has_sandbox(), reason="no sandbox on this system")

BIG = 1 << 33


@pytest.fixture
def porter():
    from course_lib.grading.processes.porter import Porter

    before = {child.pid for child in psutil.Process().children()}
    hired = Porter.hire([], 2, [])
    (hired.pid,) = {child.pid for child in psutil.Process().children()} - before
    yield hired
    hired.close()
    os.waitpid(hired.pid, 0)


def rooms_of(porter) -> int:
    """How many first processes of rooms there are."""
    return sum(child.name() == "bwrap" for child in psutil.Process(porter.pid).children())


def resident(seconds: float) -> int:
    """A process of ours that lives for so long."""
    pid = os.fork()
    if pid == 0:
        time.sleep(seconds)
        os._exit(0)
    return pid


def test_rooms_are_ready_before_they_are_asked_for_and_there_are_always_as_many(porter):
    assert rooms_of(porter) == 0
    porter.prepare()
    assert wait_until(lambda: rooms_of(porter) == 2)
    one, other = porter.room([]), porter.room([])
    assert one.init != other.init
    assert os.getuid() != 0 or one.uid != other.uid
    assert wait_until(lambda: rooms_of(porter) == 4)


def test_a_room_ends_with_its_resident_and_all_that_run_in_it(porter):
    room = porter.room([])
    pid = resident(0.2)
    porter.moved_in(room, pid, BIG)
    assert psutil.pid_exists(room.init)
    os.waitpid(pid, 0)
    assert wait_until(lambda: not psutil.pid_exists(room.init))


def test_a_room_whose_memory_is_used_up_is_emptied_while_its_resident_lives(porter):
    room = porter.room([])
    pid = resident(60)
    porter.moved_in(room, pid, 1)
    assert wait_until(lambda: not psutil.pid_exists(room.init))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_room_that_nobody_moves_into_is_given_up(porter):
    room = porter.room([])
    porter.not_used(room)
    assert wait_until(lambda: not psutil.pid_exists(room.init))


def test_what_cannot_be_shown_is_said_and_the_next_room_is_a_room(porter):
    from course_lib.grading.sandbox.policy import SandboxFailed

    with pytest.raises((SandboxFailed, OSError), match="no-such-folder"):
        porter.room(["/no-such-folder"])
    assert psutil.pid_exists(porter.room([]).init)


def test_no_room_outlives_the_porter(porter):
    porter.prepare()
    rooms = [porter.room([]) for _ in range(3)]
    pid = resident(60)
    porter.moved_in(rooms[0], pid, BIG)
    os.kill(porter.pid, signal.SIGKILL)
    assert wait_until(lambda: not any(psutil.pid_exists(room.init) for room in rooms))
    with pytest.raises(OSError):
        porter.room([])
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("milliseconds", [0, 2, 4, 6, 8, 10, 12, 15, 20, 30])
def test_rooms_that_are_being_furnished_end_with_the_porter(milliseconds, tmp_path):
    from course_lib.grading.processes.porter import Porter

    tmp_path.chmod(0o755)
    known = {child.pid for child in psutil.Process().children()}
    hired = Porter.hire([str(tmp_path)], 4, [])
    (pid,) = {child.pid for child in psutil.Process().children()} - known
    hired.prepare()
    time.sleep(milliseconds / 1000)
    hired.close()
    os.waitpid(pid, 0)
    assert wait_until(lambda: not rooms_with(tmp_path), 5)


def rooms_with(folder: Path) -> list[int]:
    """The processes of bubblewrap that show this folder, whoever their parents are."""
    found = psutil.process_iter(["name", "cmdline"])
    return [p.pid for p in found if p.info["name"] == "bwrap" and str(folder) in (p.info["cmdline"] or ())]


@pytest.fixture
def starter() -> Iterator[Starter]:
    started = Starter([], LIMITS, sandboxed=True, processor=max(os.sched_getaffinity(0)))
    started.more = False
    yield started
    started.close()


def said_by(process: Process, code: str) -> str:
    """What a cell prints."""
    process.channel.send({"kind": "run", "name": "cell"}, code.encode())
    reply, _ = process.channel.receive(time.monotonic() + 30)
    return "".join(output.get("text", "") for output in reply["outputs"])


def test_a_student_s_process_stays_on_its_worker_s_processor(starter):
    process = starter.take(STUDENT, StudentsFolder(None))
    assert said_by(process, "import os\nprint(os.sched_getaffinity(0))") == f"{{{starter.processor}}}\n"
    process.end()


def test_a_student_s_process_sees_itself_and_the_room_s_first_process_only(starter):
    process = starter.take(STUDENT, StudentsFolder(None))
    seen = said_by(
        process, "import os\nprint(*(open(f'/proc/{p}/comm').read() for p in os.listdir('/proc') if p.isdigit()))"
    )
    assert len(seen.split()) <= 3
    assert "grading" not in seen
    process.end()


def test_a_lost_porter_costs_one_try(starter):
    first = starter.take(STUDENT, StudentsFolder(None))
    nursery = psutil.Process(starter._nursery.pid)
    (lost,) = (child for child in nursery.children() if child.name() == "grading-porter")
    lost.kill()
    first.end()
    with contextlib.suppress(CannotStart):
        starter.take(STUDENT, StudentsFolder(None)).end()
    again = starter.take(STUDENT, StudentsFolder(None))
    assert said_by(again, "print(6 * 7)") == "42\n"
    again.end()


def test_nothing_is_left_of_a_nursery_and_its_rooms():
    started = Starter([], LIMITS, sandboxed=True)
    process = started.take(STUDENT, StudentsFolder(None))
    assert said_by(process, "print(1)") == "1\n"
    below = psutil.Process(started._nursery.pid).children(recursive=True)
    started.close()
    assert wait_until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in below))


def test_workers_stay_on_processors_only_where_all_of_them_are_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 5, 7})
    assert nurseries.processors(2) == [None, None]
    assert nurseries.processors(3) == [2, 5, 7]
    assert nurseries.processors(4) == [2, 5, 7, 2]
    monkeypatch.delattr(os, "sched_getaffinity")
    assert nurseries.processors(64) == [None] * 64


def nurseries_started(words: list[str], folder: Path) -> list[str]:
    """What `course` starts for these words; the nursery is only noted."""
    code = (
        "import sys\nfrom course_lib.grading import nurseries\n"
        "class Nursery:\n"
        "    def __init__(self, jobs, *, sandboxed=True): print(f'started {jobs} {sandboxed}')\n"
        "    def __exit__(self, *_): print('ended')\n"
        "nurseries.Nursery = Nursery\n"
        f"sys.argv = ['course', *{words!r}]\nfrom course_lib.cli import main\nmain()"
    )
    env = {**os.environ, "COURSE_ROOT": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=folder, check=False
    )
    return [line for line in done.stdout.splitlines() if line.startswith(("started", "ended"))]


@pytest.mark.parametrize("words", [["grade", "--help"], ["build", "--help"], ["--help"]])
def test_nothing_is_begun_that_the_words_do_not_ask_for(words, tmp_path):
    assert nurseries_started(words, tmp_path) == []


def test_what_was_begun_ends_where_the_words_are_wrong(tmp_path):
    started = f"started {nurseries.cores()}"
    assert nurseries_started(["grade", "--nonsense"], tmp_path) == [f"{started} True", "ended"]
    assert nurseries_started(["grade", "--unsafe", "--nonsense"], tmp_path) == [f"{started} False", "ended"]
