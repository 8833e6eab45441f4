"""Who talks to whom while a class is graded: judge and student directly, and the nursery from the start."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from course_lib.errors import UsageError
from course_lib.grading import nurseries
from course_lib.grading.channel import Channel, ChannelTimeout, TakingChannel, pair
from course_lib.grading.grade_class import grade
from course_lib.grading.processes.judge import ENDED, HUNG, MAX_NOTICES, Judge
from course_lib.grading.processes.start_nursery import can_fork
from tests.grading.classes.fixtures import asked_by_the_worker
from tests.grading.classes.test_class import run
from tests.grading.conftest import wait_until

forks = pytest.mark.skipif(not can_fork(), reason="processes are not forked here")


def ends() -> tuple[Channel, Channel]:
    one, other = pair()
    return Channel(one.end, shared=True), other


def test_a_shared_end_reads_one_message_and_nothing_behind_it():
    ours, theirs = ends()
    theirs.send({"n": 1}, b"abc")
    theirs.send({"n": 2}, b"x" * 200_000)
    theirs.send({"n": 3})
    assert ours.receive() == ({"n": 1}, b"abc")
    another = Channel(ours.end.dup(), shared=True)
    assert another.receive() == ({"n": 2}, b"x" * 200_000)
    assert ours.receive() == ({"n": 3}, b"")


@forks
def test_an_end_of_another_channel_can_be_sent():
    worker, judge = pair()
    ours, theirs = ends()
    worker.send({"kind": "before"})
    worker.send_end({"kind": "student"}, ours)
    worker.send({"kind": "after"}, b"z")
    taking = TakingChannel(judge.end)
    assert [taking.receive()[0]["kind"] for _ in range(3)] == ["before", "student", "after"]
    assert taking.taken is not None
    theirs.send({"hello": True})
    assert taking.taken.receive(time.monotonic() + 5) == ({"hello": True}, b"")


def met(deadline: float = 5.0) -> tuple[Judge, Channel]:
    """A judge, and the student's end of its channel."""
    ours, theirs = ends()
    judge = Judge(pair()[0])
    judge.meet(ours)
    judge.deadline = time.monotonic() + deadline
    return judge, theirs


def test_a_judge_hears_the_answer_and_what_the_student_tells_unasked():
    judge, student = met()
    for number in range(2 * MAX_NOTICES):
        student.send({"kind": "notice", "what": "x" * number + "y" * 1000})
    student.send({"kind": "answer", "sizes": []}, b"data")
    assert judge.exchange({"kind": "fetch", "names": []}, b"") == ({"kind": "answer", "sizes": []}, b"data")
    assert student.receive()[0] == {"kind": "fetch", "names": []}
    assert len(judge.notices) == MAX_NOTICES
    assert {len(notice) for notice in judge.notices} == {200}


def garbage(student: Channel) -> None:
    student.end.sendall(b"\xff" * 64)


def no_message(student: Channel) -> None:
    student.send({"kind": "verdict", "status": "ok"})


def half_a_message(student: Channel) -> None:
    student.end.sendall((20).to_bytes(8, "big"))


@pytest.mark.parametrize(
    ("misbehave", "how"),
    [(garbage, ENDED), (no_message, ENDED), (Channel.close, ENDED), (half_a_message, HUNG), (lambda _: None, HUNG)],
)
def test_a_student_that_does_not_answer_is_gone_for_the_rest_of_the_test(misbehave, how):
    judge, student = met(deadline=0.3)
    misbehave(student)
    assert judge.exchange({"kind": "fetch", "names": []}, b"") == ({"kind": "gone"}, b"")
    assert (judge.gone, judge.student) == (how, None)
    assert judge.exchange({"kind": "call"}, b"") == ({"kind": "gone"}, b"")


def test_without_a_student_the_worker_is_asked():
    worker, theirs = pair()
    judge = Judge(theirs)
    worker.send({"kind": "answer"}, b"data")
    assert judge.exchange({"kind": "fetch"}, b"q") == ({"kind": "answer"}, b"data")
    assert worker.receive() == ({"kind": "fetch"}, b"q")


@forks
def test_no_call_passes_through_the_worker(grader, monkeypatch):
    asked = asked_by_the_worker(monkeypatch)
    result = grader.answers()
    assert result.points == result.max_points
    kinds = {head["kind"] for head in asked}
    assert "run" in kinds
    assert not {"fetch", "call", "called_back"} & kinds


def test_it_comes_to_the_same_through_the_worker(grader, monkeypatch):
    wrong = {
        "total": "def total(values):\n    if len(values) > 2:\n        import os\n        os._exit(3)\n    return 5"
    }
    directly = [[vars(test) for test in result.tests] for result in (grader.answers(), grader.answers(**wrong))]
    asked = asked_by_the_worker(monkeypatch)
    monkeypatch.setattr(grader.starter, "forks", False)
    passed_on = [[vars(test) for test in result.tests] for result in (grader.answers(), grader.answers(**wrong))]
    assert passed_on == directly
    assert {"fetch", "call"} <= {head["kind"] for head in asked}


@forks
def test_a_nursery_that_is_not_needed_is_gone_at_once():
    with nurseries.Nursery(2) as nursery:
        process = nursery.process
        assert process.poll() is None
    assert process.returncode is not None


@forks
def test_a_nursery_imports_what_it_knows_before_it_hears_of_the_rest():
    with nurseries.Nursery(1) as nursery:
        loaded = Path(f"/proc/{nursery.process.pid}/maps")
        assert wait_until(lambda: "pandas/_libs" in loaded.read_text(), 60)


@forks
def test_nothing_is_left_when_nothing_can_be_graded(course, tmp_path, monkeypatch):
    started = []
    start = nurseries.start_nursery

    def noted(*given):
        lines, process = start(*given)
        started.append(process)
        return lines, process

    monkeypatch.setattr(nurseries, "start_nursery", noted)
    (tmp_path / "in").mkdir()
    with pytest.raises(UsageError, match="nothing was handed in"):
        run(course, tmp_path / "in", tmp_path)
    with pytest.raises(UsageError, match="no built module"):
        grade(["nonsense"], submissions=tmp_path / "in", root=course.root)
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


@forks
def test_a_nursery_serves_as_many_workers_as_take_part():
    with nurseries.Nursery(3) as nursery:
        lines = nursery.take(2, ["numpy", "json", "no_such_module"])
        assert [line.recv(64) for line in lines] == [b"ready", b"ready"]
        assert nursery.lines[2].fileno() == -1
    assert nursery.process.returncode == 0


def test_a_message_larger_than_what_fits_at_once_arrives_whole_or_its_time_runs_out():
    one, other = pair()
    large = b"x" * (8 << 20)
    with ThreadPoolExecutor(1) as aside:
        sending = aside.submit(one.send, {"n": 1}, large, time.monotonic() + 20)
        assert other.receive(time.monotonic() + 20) == ({"n": 1}, large)
        sending.result()
    with pytest.raises(ChannelTimeout):
        one.send({"n": 2}, large, time.monotonic() + 0.1)


def test_a_channel_does_not_wait_longer_than_it_may():
    ours, _theirs = ends()
    with pytest.raises(ChannelTimeout):
        ours.receive(time.monotonic() + 0.05)
    assert isinstance(ours.end, socket.socket)
