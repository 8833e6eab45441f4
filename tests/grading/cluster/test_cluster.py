"""A class graded by the workers of a cluster: what is written is what grading here writes, whatever becomes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.grading import cluster_pool, crew, members, records
from course_lib.grading.coursefolders import plain_folders
from course_lib.grading.grade_class import _setting, grade
from course_lib.grading.outcome import INFRA_ERROR
from tests.grading.classes.bad_input import LIMITS, good_class
from tests.grading.classes.demo_course import MODULE, DemoCourse
from tests.grading.classes.fixtures import has_sandbox
from tests.grading.cluster.conftest import same_code
from tests.taxi.cluster.processes import end, free_port

HIDDEN = b"4812"  # of a hidden test, in no notebook of a student's


@pytest.fixture
def run(course, handed_in, safe):
    """Grades the class into a folder."""

    def graded(base: Path, **options):
        usual = {"folders": plain_folders(base), "unsafe": not safe, "submissions": handed_in}
        return grade([MODULE], root=course.root, limits=LIMITS, **{**usual, **options})

    return graded


@pytest.fixture(scope="module")
def alone(course, handed_in, safe, tmp_path_factory):
    """The class as it is graded without a cluster: the folder, and all that was written."""
    base = tmp_path_factory.mktemp("alone")
    grade(
        [MODULE], submissions=handed_in, root=course.root, limits=LIMITS, folders=plain_folders(base), unsafe=not safe
    )
    return written(base)


def written(base: Path) -> dict[str, bytes]:
    """All files by name; of records not the seconds that grading took, of the gradebook its rows without random ids."""
    files = {}
    for path in sorted(
        path
        for path in (base / "gradebook").rglob("*")
        if path.is_file() and path.name not in (".report", "modes.json")
    ):
        files[str(path.relative_to(base))] = _content(path)
    return files


def _content(path: Path) -> bytes:
    if path.suffix == ".json":
        record = json.loads(path.read_text(encoding="utf-8"))
        for notebook in record["notebooks"]:
            assert notebook.pop("seconds") >= 0
        return json.dumps(record, sort_keys=True).encode()
    if path.suffix == ".db":
        rows = (
            "SELECT s.student_id, a.name, n.name, c.name, g.auto_score, g.needs_manual_grade FROM grade g "
            "JOIN base_cell c ON g.cell_id = c.id JOIN submitted_notebook sn ON g.notebook_id = sn.id "
            "JOIN notebook n ON sn.notebook_id = n.id JOIN submitted_assignment s ON sn.assignment_id = s.id "
            "JOIN assignment a ON s.assignment_id = a.id ORDER BY 1, 2, 3, 4"
        )
        with closing(connect(path)) as database:
            return json.dumps(database.execute(rows).fetchall()).encode()
    return path.read_bytes()


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def texts_with(words: bytes, folders: list[Path]) -> list[str]:
    return [
        str(path) for folder in folders for path in folder.rglob("*") if path.is_file() and words in path.read_bytes()
    ]


def test_the_same_is_written_as_without_a_cluster(run, alone, cluster, tmp_path):
    seen, leaks = [], []

    def watch(done, total, result):
        seen.append((done, total, result.student if result else None))
        leaks.extend(texts_with(HIDDEN, [cluster.temporary, cluster.folder / "one", cluster.folder / "two"]))

    result = run(tmp_path, scheduler=cluster.address, progress=watch)
    assert result.complete
    assert differing(written(tmp_path), alone) == []
    assert len(alone) > 3 * result.graded
    assert [(done, total) for done, total, _ in seen] == [(n, 8) for n in range(9)]
    assert sorted(student for _, _, student in seen[1:]) == sorted(r.student for r in result.results)
    assert leaks == []
    again = run(tmp_path, scheduler=cluster.address)
    assert (again.graded, again.unchanged) == (0, 8)


def test_nothing_is_left_running_on_a_worker(cluster, run, tmp_path):
    import psutil

    run(tmp_path, scheduler=cluster.address, jobs=1)
    workers = [psutil.Process(process.pid) for process in cluster.started[1:]]
    deadline = time.monotonic() + 60
    while left := [*(c for w in workers for c in w.children()), *cluster.temporary.glob("grading-*")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_a_worker_killed_in_the_middle_loses_nothing(run, alone, cluster, others, tmp_path):
    victim = others.worker(cluster.address, "victim", arguments=("--nthreads", "3", *same_code(others.folder)))
    _wait_for_workers(cluster.address, 3)
    killed = []

    def kill(*_):
        if not killed:
            end(victim)
            killed.append(victim.returncode)

    result = run(tmp_path, scheduler=cluster.address, progress=kill)
    assert killed == [-9]
    assert result.complete
    assert differing(written(tmp_path), alone) == []


def test_a_lost_cluster_leaves_the_rest_ungraded_and_it_goes_on_later(
    run, alone, others, cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(cluster_pool.ClusterPool.__init__, "__defaults__", (None, None, 2.0))
    address = others.scheduler()
    others.worker(address, "only", arguments=same_code(others.folder))

    def kill(done, *_):
        if done == 2:
            others.end()

    lost = run(tmp_path, scheduler=address, progress=kill)
    states = {r.student: r.status for r in lost.results}
    left = [student for student, status in states.items() if status == INFRA_ERROR]
    assert len(states) == 8
    assert 4 <= len(left) <= 6  # what was on its way to the writer when the cluster ended counts as graded
    assert not lost.complete
    assert lost.graded == 8 - len(left)
    problems = {n.problem for r in lost.results if r.student in left for n in r.notebooks}
    assert problems == {"the cluster has had no worker that grades for 2 s; what is done stays done"}
    rest = run(tmp_path, scheduler=cluster.address)
    assert (rest.graded, rest.unchanged, rest.complete) == (len(left), 8 - len(left), True)
    assert differing(written(tmp_path), alone) == []


@pytest.mark.skipif(not has_sandbox(), reason="no sandbox on this system")
def test_a_worker_without_a_sandbox_refuses_and_others_do_its_work(run, alone, others, tmp_path):
    bare = tmp_path / "others" / "bare.py"
    bare.write_text(
        "from course_lib.grading.sandbox import probe\n"
        "probe.probe = lambda: probe.Probe('bubblewrap, which makes the sandbox, is not installed.')\n",
        encoding="utf-8",
    )
    address = others.scheduler()
    others.worker(address, "bare", arguments=("--preload", str(bare), *same_code(others.folder)))
    words = "No worker of the cluster can grade.\nThe worker tcp://.* has no sandbox: bubblewrap, .* is not installed. "
    with pytest.raises(CourseError, match=words + r"\(`course grade --unsafe` grades without one.\)"):
        run(tmp_path / "out", scheduler=address, unsafe=False)
    assert run(tmp_path / "out", scheduler=address, unsafe=True, jobs=1).complete
    others.worker(address, "good", arguments=same_code(others.folder))
    _wait_for_workers(address, 2)
    said = []
    assert run(tmp_path / "sandboxed", unsafe=False, scheduler=address, say=said.append).complete
    assert differing(written(tmp_path / "sandboxed"), alone) == []
    assert [line.partition(" grades nothing: it has no sandbox")[1] != "" for line in said] == [True]


def test_other_versions_are_refused(run, cluster, tmp_path, monkeypatch):
    here = {**crew.versions(), "course_lib": "another", "numpy": "1.0", "nbgrader": "0.1"}
    monkeypatch.setattr(crew, "versions", lambda: here)
    words = r"The worker tcp://.* has other versions: .*numpy [\d.]+ \(here 1\.0\).*, another course_lib\. Its results"
    with pytest.raises(CourseError, match=words):
        run(tmp_path, scheduler=cluster.address)


def test_what_is_no_address(run, tmp_path):
    for wrong in ("threads", "here:8786"):
        with pytest.raises(UsageError, match=f"'{wrong}' is no address of a Dask scheduler"):
            run(tmp_path, scheduler=wrong)
    assert not (tmp_path / "gradebook").exists()


def test_a_crew_that_has_ended_is_made_again(cluster, run, alone, tmp_path):
    """As one is that had nothing to do for long."""
    from distributed import Client

    ended = []

    def end_all(done, *_):
        if done == 1 and not ended:
            with Client(cluster.address, set_as_default=False) as client:
                ended.extend(client.run(_end_crews).values())

    assert run(tmp_path, scheduler=cluster.address, progress=end_all).complete
    assert sum(ended) >= 1
    assert differing(written(tmp_path), alone) == []


def test_an_idle_crew_ends_by_itself(course, safe):
    from course_lib.grading.parcel import pack

    setting = _setting(course.root, list(course.assignments.values()), LIMITS, sandboxed=safe)
    made = crew.Crew(pack(setting), 1)
    assert (Path(made.home.name) / MODULE / "notes.txt").is_file()
    assert texts_with(HIDDEN, [Path(made.home.name)]) == []
    crew._crews["idle"] = made
    made.idle_after(0.05, "idle")
    deadline = time.monotonic() + 30
    while "idle" in crew._crews or Path(made.home.name).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert crew.do("idle", "grade", b"") == crew.UNPREPARED


def test_at_the_end_nobody_waits_behind_something_long(course, safe, monkeypatch):
    setting = _setting(course.root, list(course.assignments.values()), LIMITS, sandboxed=safe)
    pool = cluster_pool.ClusterPool(None, setting)
    one, two = (members.Member(name, 1, members.READY) for name in ("one", "two"))
    pool.members.by_address = {"one": one, "two": two}
    monkeypatch.setattr(pool.members, "_call", lambda *_: Future())
    waiting = deque(("grade", name) for name in "abc")
    pool._hand_out(waiting, deque())
    assert [[ticket.order[1] for ticket in member.tickets] for member in (one, two)] == [["a", "c"], ["b"]]
    pool.members.close(two.tickets[0])
    pool._hand_out(waiting, deque())
    assert [[ticket.order[1] for ticket in member.tickets] for member in (one, two)] == [["a"], ["c"]]
    assert len(pool.members.tickets) == 2


class Future:
    """Of a task that never ends."""

    def add_done_callback(self, _function):
        pass

    def release(self):
        pass


def test_two_classes_at_once(cluster, safe, tmp_path):
    running = []
    for name in ("one", "two"):
        good_class(tmp_path / name / "in", DemoCourse(tmp_path / name))
        program = (
            "from course_lib.grading import crew, records\n"
            f"records.own_code = crew.own_code = lambda: {records.own_code()!r}\n"
            "from course_lib.cli import main\nmain()"
        )
        command = [sys.executable, "-c", program, "grade", "demo", "--submissions", "in", "--json"]
        command += ["--scheduler", cluster.address, *([] if safe else ["--unsafe"])]
        environment = {**os.environ, "COURSE_ROOT": str(tmp_path / name)}
        running.append(subprocess.Popen(command, cwd=tmp_path / name, env=environment, stdout=subprocess.PIPE))
    told = [json.loads(process.communicate()[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert told[0]["scores"] == told[1]["scores"]
    assert [one["graded"] for one in told] == [3, 3]


def test_as_it_is_typed(cluster, safe, tmp_path, monkeypatch, capsys):
    from course_lib.cli import main

    good_class(tmp_path / "in", DemoCourse(tmp_path / "own"))
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path / "own"))

    def course(*arguments):
        monkeypatch.setattr(sys, "argv", ["course", "grade", "demo", "--submissions", str(tmp_path / "in"), *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, capsys.readouterr()

    unsafe = () if safe else ("--unsafe",)
    code, said = course("--scheduler", cluster.address, "--json", *unsafe)
    assert code == 0, said.err
    assert json.loads(said.out)["graded"] == 3
    code, said = course("--scheduler", f"tcp://127.0.0.1:{free_port()}", "--force", *unsafe)
    assert (code, said.out) == (1, "")
    assert "No Dask scheduler answers" in said.err
    assert course("--scheduler", "processes")[0] == 2


def test_without_a_scheduler_nothing_of_dask_is_imported(course, safe, tmp_path):
    good_class(tmp_path / "in", course)
    program = (
        "import sys\nfrom pathlib import Path\nfrom course_lib.grading.coursefolders import plain_folders\n"
        "from course_lib.grading.grade_class import grade\nroot, submissions, base = map(Path, sys.argv[1:])\n"
        f"folders, unsafe = plain_folders(base), {not safe}\n"
        "grade(['01_demo'], submissions=submissions, root=root, folders=folders, unsafe=unsafe)\n"
        "print(sorted({'dask', 'distributed', 'course_lib.cluster'} & sys.modules.keys()))\n"
    )
    command = [sys.executable, "-c", program, *map(str, (course.root, tmp_path / "in", tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"


def _end_crews() -> int:
    from course_lib.grading import crew

    tokens = list(crew._crews)
    for token in tokens:
        crew.end(token)
    return len(tokens)


def _wait_for_workers(address: str, number: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=120)
