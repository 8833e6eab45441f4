"""A registry that is locked, gone or damaged: what is loaded goes on answering, and the service says what is wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3

import pytest
import requests

from course_lib.taxi.service.running import NotRunning, deployed
from tests.taxi.service.faults.riders import Riders, check_store, health, number, wait_until
from tests.taxi.service.faults.test_killed import workers
from tests.taxi.service.test_server import workers_started


@contextlib.contextmanager
def locked(database):
    """Another program writes, and doesn't come to an end."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


@contextlib.contextmanager
def gone(database):
    """The file is away: a share that is not mounted."""
    away = database.with_suffix(".away")
    database.rename(away)
    try:
        yield
    finally:
        away.replace(database)


@contextlib.contextmanager
def damaged(database):
    """Garbage in its place."""
    kept = database.with_suffix(".kept")
    shutil.copy2(database, kept)
    database.write_bytes(b"no database at all " * 1000)
    try:
        yield
    finally:
        kept.replace(database)


def test_answers_go_on_without_a_registry(home, tmp_path):
    with deployed(mlflow=home.folder, folder=tmp_path) as service:
        with Riders(service.url, home.minutes, threads=1) as riders:
            for harm in (gone, damaged, locked):
                riders.more(10)
                with harm(home.database):
                    riders.until(lambda: health(service.url)["problems"] != [], 90)
                    told = health(service.url)
                    assert told["ready"], "riders are still answered"
                    assert told["champion"] == 1
                    assert "the registry can't be read" in told["problems"][0], harm.__name__
                    assert number(service.url, "taxi_registry_up") == 0
                    assert number(service.url, "taxi_problems") >= 1
                    riders.more(10)
                riders.until(lambda: health(service.url)["problems"] == [], 90)
                assert number(service.url, "taxi_registry_up") == 1
        said = service.log.read_text(encoding="utf-8")
    assert set(riders.statuses()) == {200}
    riders.check()
    assert riders.check_store(tmp_path) == len(riders.good)
    assert said.count("the registry can be read again") == 3
    assert said.count("the registry can't be read") == 3, "once for each, not once for each look"
    assert "Traceback" not in said


@pytest.mark.skipif(os.name != "posix", reason="a worker is killed by a signal")
def test_a_worker_that_starts_without_a_registry(home, tmp_path):
    """Killed while the registry is damaged: the next worker answers by the champion that was here last."""
    with deployed(mlflow=home.folder, folder=tmp_path) as service, damaged(home.database):
        with Riders(service.url, home.minutes, threads=1) as riders:
            riders.more(10)
            (worker,) = workers(service)
            worker.kill()
            riders.until(lambda: workers_started(service) == 2)
            riders.more(30)
            told = health(service.url)
            assert (told["ready"], told["champion"]) == (True, 1)
            assert "version 1, the last champion here, answers meanwhile" in told["problems"][0]
        riders.check()
        assert set(riders.statuses()) <= {200, 0}
    # and a whole service that starts in that hour
    with damaged(home.database), deployed(mlflow=home.folder, folder=tmp_path) as service:
        with Riders(service.url, home.minutes, threads=1, name="later") as later:
            later.more(10)
        later.check()
        assert set(later.statuses()) == {200}
    check_store([riders, later], tmp_path)


def test_a_service_that_begins_without_a_registry(home, tmp_path):
    """It listens, says why it can't answer, and answers once the registry is there."""
    with (
        damaged(home.database),
        pytest.raises(NotRunning, match="the registry can't be read"),
        deployed(mlflow=home.folder),
    ):
        pass
    kept = home.database.read_bytes()
    home.database.write_bytes(b"no database at all " * 1000)
    starting = deployed(mlflow=home.folder, folder=tmp_path, ready=False)
    try:
        with starting as service:
            wait_until(lambda: requests.get(f"{service.url}/health/live", timeout=5).ok)
            answer = requests.post(
                f"{service.url}/predict",
                json={"pickup": 7, "dropoff": 138, "time": "2021-02-03T08:30:00-05:00"},
                timeout=10,
            )
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["reason"] == "no_model"
            assert not health(service.url)["ready"]
            home.database.write_bytes(kept)
            wait_until(lambda: health(service.url)["ready"])
            with Riders(service.url, home.minutes, threads=1) as riders:
                riders.more(10)
            riders.check()
    finally:
        home.database.write_bytes(kept)
