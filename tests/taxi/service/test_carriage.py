"""Predictions come to the store by another process than the one that answers."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
import time

import pytest

from course_lib.taxi.service import carriage
from course_lib.taxi.service.carriage import News, carried, carry
from course_lib.taxi.service.carrier import Carrier
from course_lib.taxi.service.server import FOLDER, STORE
from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.store import PredictionStore
from tests.taxi.service.faults.riders import wait_until
from tests.taxi.service.processes import carriage_of
from tests.taxi.service.test_spool import Flaky, rows


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.delenv(STORE, raising=False)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    made = PredictionStore(f"sqlite:///{(tmp_path / 'predictions.db').as_posix()}")
    yield made
    made.close()


def writing(folder, news):
    """A spool as a service's worker has it."""
    return Spool(folder, way=News(news), every_seconds=0.02).start()


def test_brought_while_others_write_and_what_is_left_at_the_end(tmp_path, store):
    folder, news = tmp_path / "spool", tmp_path / "news.json"
    with carried(folder, news):
        assert os.environ[carriage.NEWS] == str(news)
        first, second = writing(folder, news), writing(folder, news)
        for n in range(50):
            assert first.add(rows(1, first=n))
            assert second.add(rows(1, first=100 + n))
        wait_until(lambda: first.stored == 100)
        assert (first.waiting(), second.stored, first.problem, first.store_up) == (0, 100, None, True)
        first.add(rows(1, first=200))
        first.close()
        second.add(rows(1, first=201))
    assert carriage.NEWS not in os.environ
    assert store.count() in (101, 102), "the file that the second one is writing is its own"
    second.close()
    with carried(folder, news):
        pass
    assert store.count() == 102
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="nice values and signals are of this kind of system")
def test_it_takes_what_riders_leave_and_is_the_last_to_go(tmp_path, store):
    """A signal to all of a service's processes doesn't end it before those who write have ended."""
    folder, news = tmp_path / "spool", tmp_path / "news.json"
    with carried(folder, news):
        carrying = carriage_of(os.getpid())
        spool = writing(folder, news)
        spool.add(rows(1))
        wait_until(lambda: spool.stored == 1)
        assert carrying.nice() == 19
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            carrying.send_signal(number)
        spool.add(rows(1, first=1))
        wait_until(lambda: spool.stored == 2)
        assert carriage_of(os.getpid()) == carrying
        spool.add(rows(1, first=2))
        spool.close()
    assert not carrying.is_running()
    assert store.count() == 3


def test_a_store_that_is_down_is_told_and_costs_nothing(tmp_path, store):
    folder, news, ending = tmp_path / "spool", tmp_path / "news.json", threading.Event()
    flaky = Flaky(store)
    carrying = threading.Thread(target=carry, args=(folder, news, Carrier(folder, flaky), ending))
    carrying.start()
    spool = writing(folder, news)
    spool.add(rows(5))
    wait_until(lambda: not spool.store_up)
    assert "the prediction store can't be reached" in spool.problem
    assert (spool.waiting(), spool.stored) == (5, 0)
    flaky.down = False
    wait_until(lambda: spool.stored == 5)
    assert spool.problem is None
    ending.set()
    carrying.join()
    spool.close()


def test_silence_is_a_problem(tmp_path, monkeypatch):
    path = tmp_path / "news.json"
    news = News(path)
    assert (news.stored, news.problem, news.bring()) == (0, None, True), "it has only just begun"
    path.write_text(json.dumps([7, None, time.time()]))
    assert (news.stored, news.problem) == (7, None)
    path.write_text("[7, nu")  # seen while it is written
    assert (news.stored, news.problem) == (0, None)
    path.write_text(json.dumps([7, None, time.time()]))
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 100)
    assert news.problem == "nobody has brought predictions to the store for 100 seconds"
    assert not news.bring()


def test_two_services_on_one_folder_take_turns(tmp_path, store):
    """Each has somebody who brings; a file is brought by one of them, and counted once."""
    folder = tmp_path / "spool"
    with contextlib.ExitStack() as stack:
        for name in ("one", "two"):
            stack.enter_context(carried(folder, tmp_path / f"{name}.json"))
        spool = writing(folder, tmp_path / "one.json")
        for n in range(30):
            spool.add(rows(3, first=3 * n))
            time.sleep(0.02)
        numbers = [News(tmp_path / f"{name}.json") for name in ("one", "two")]
        wait_until(lambda: sum(news.stored for news in numbers) == 90)
        spool.close()
    assert store.count() == 90


def test_what_dies_is_started_again_and_said(tmp_path, store, caplog):
    folder, news = tmp_path / "spool", tmp_path / "news.json"
    with caplog.at_level(logging.WARNING), carried(folder, news):
        spool = writing(folder, news)
        spool.add(rows(2))
        wait_until(lambda: spool.stored == 2)
        carriage_of(os.getpid()).kill()
        spool.add(rows(2, first=2))
        wait_until(lambda: spool.stored == 4)  # and not 2 anew
        spool.close()
    assert "what brings predictions to the store ended" in caplog.text
    assert store.count() == 4
