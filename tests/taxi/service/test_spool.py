"""No prediction is lost on its way, and none arrives twice."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa

from course_lib.errors import UsageError
from course_lib.taxi.service.live import Wanted
from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.store import PredictionStore
from tests.taxi.service.fakes import Constant, FakeRegistry, Service, service


def rows(count, first=0):
    common = {"request_id": "r", "made_at": "2021-02-03T08:30:00", "rider": None, "pickup": 7, "dropoff": 138}
    common |= {"pickup_time": "2021-02-03T08:30:00", "minutes": 10.0, "model_name": "m", "model_version": 1}
    common |= {"role": "champion", "shadow": False}
    return [{"prediction_id": f"id-{n}", **common} for n in range(first, first + count)]


class Flaky:
    """A store that is down until told otherwise, and may fail after it has stored."""

    def __init__(self, store):
        self.store, self.down, self.fails_afterwards = store, True, False

    def add(self, many):
        if self.down:
            raise sa.exc.OperationalError("insert", {}, Exception("server closed the connection"))
        added = self.store.add(many)
        if self.fails_afterwards:
            self.fails_afterwards = False
            raise sa.exc.OperationalError("commit", {}, Exception("connection lost"))
        return added

    def close(self):
        self.store.close()


@pytest.fixture
def store(tmp_path):
    made = PredictionStore(f"sqlite:///{(tmp_path / 'p.db').as_posix()}")
    yield made
    made.close()


def test_an_answer_under_way_at_the_end_is_brought_too(tmp_path, store):
    spool = Spool(tmp_path / "spool", store)
    spool.add(rows(2))
    spool.close()
    assert store.count() == 2
    assert spool.add(rows(1, first=2))
    assert store.count() == 3
    assert list((tmp_path / "spool").iterdir()) == []


def test_another_process_makes_the_table_at_the_same_moment(store, monkeypatch):
    from course_lib.taxi.service.store import _metadata

    other, create = PredictionStore(store.url.render_as_string()), _metadata.create_all

    def too_late(engine, **given):
        """Has looked, and found none; in that moment the other one made it."""
        monkeypatch.setattr(_metadata, "create_all", create)
        other.add(rows(1))
        create(engine, checkfirst=False, **given)

    monkeypatch.setattr(_metadata, "create_all", too_late)
    store.add(rows(2, first=1))
    assert store.count() == 3
    other.close()


def test_a_store_that_is_down_delays_nothing_else(tmp_path, store):
    flaky = Flaky(store)
    registry = FakeRegistry({1: Constant(10.0)}, Wanted(1))
    with service(tmp_path, registry, lambda folder, found: Service(folder, found, flaky)) as made:
        for _ in range(5):
            assert made.predict().status_code == 200
        assert not made.spool.flush()
        health = made.client.get("/health/ready")
        assert health.status_code == 200
        assert "the prediction store can't be reached" in health.json["problems"][0]
        assert made.number("taxi_predictions_waiting") == 5
        flaky.down = False
        assert made.spool.flush()
        assert made.client.get("/health/ready").json["problems"] == []
        assert store.count() == 5
        assert made.number("taxi_predictions_waiting") == 0


def test_stored_but_not_confirmed_arrives_once(tmp_path, store):
    flaky = Flaky(store)
    flaky.down, flaky.fails_afterwards = False, True
    spool = Spool(tmp_path / "spool", flaky)
    spool.add(rows(4))
    assert not spool.flush()
    assert store.count() == 4
    spool.add(rows(3, first=4))
    assert spool.flush()
    assert store.count() == 7
    spool.close()
    assert list((tmp_path / "spool").iterdir()) == []


def test_killed_processes_leave_nothing_behind_for_good(tmp_path, store):
    """Killed with rows on disk and half a line written: the next process brings the whole ones."""
    code = """
import json, os, signal, sys
from course_lib.taxi.service.spool import Spool
spool = Spool(sys.argv[1], None)
spool.add(json.loads(sys.argv[2]))
spool._open.write('{"prediction_id": "half')
spool._open.flush()
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
    folder = tmp_path / "spool"
    for start in (0, 10):
        command = [sys.executable, "-c", code, str(folder), json.dumps(rows(10, first=start))]
        assert subprocess.run(command, timeout=60).returncode != 0
    assert len(list(folder.glob("*.open"))) == 2
    spool = Spool(folder, store)
    assert spool.flush()
    assert store.count() == 20
    spool.close()
    assert list(folder.iterdir()) == []


def test_files_of_a_living_process_are_its_own(tmp_path, store):
    first, second = Spool(tmp_path / "spool", store), Spool(tmp_path / "spool", store)
    first.add(rows(3))
    assert second.flush()
    assert store.count() == 0
    first.close()
    assert store.count() == 3
    second.close()


def test_rows_that_come_while_others_are_brought(tmp_path, store):
    class Busy(Spool):
        def flush(self):
            self.way.bring = functools.partial(self._add_and_bring, type(self.way).bring)
            return super().flush()

        def _add_and_bring(self, bring):
            if not self._closed:
                self.add(rows(1, first=next(numbers)))  # the very next moment
            return bring(self.way)

    numbers = iter(range(100, 200))
    spool = Busy(tmp_path / "spool", store)
    for n in range(10):
        spool.add(rows(1, first=n))
        assert spool.flush()
        spool.add(rows(1, first=n + 20))  # into the file that was open meanwhile
    spool.close()
    assert spool.waiting() == 0
    assert store.count() == 30


def test_many_threads_write_whole_lines(tmp_path, store):
    spool = Spool(tmp_path / "spool", store, every_seconds=0.005).start()
    threads = [
        threading.Thread(target=lambda n=n: [spool.add(rows(1, first=n * 100 + i)) for i in range(100)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.close()
    assert store.count() == 800
    assert spool.stored == 800
    assert spool.lost == 0


def test_what_the_disk_does_not_take_is_counted(tmp_path, store):
    registry = FakeRegistry({1: Constant(10.0)}, Wanted(1))
    with service(tmp_path, registry, lambda folder, found: Service(folder, found, store)) as made:
        made.predict()

        class Full:
            def write(self, _text):
                raise OSError(28, "No space left on device")

            def close(self):
                pass

        made.spool._open = Full()
        assert made.predict().status_code == 200
        assert made.number("taxi_predictions_lost") == 1
        assert "No space left on device" in made.client.get("/health/ready").json["problems"][0]
        made.predict()
        assert made.spool.flush()
        assert store.count() == 2


def test_no_more_waits_than_the_disk_may_hold(tmp_path, store):
    """The store is down for long: what is beyond the bound is counted, told, and answered all the same."""
    flaky = Flaky(store)
    spool = Spool(tmp_path / "spool", flaky, every_seconds=0.01, most_bytes=5000).start()
    added = 0
    while spool.add(rows(1, first=added)):
        added += 1
        time.sleep(0.001)
        assert added < 10_000
    assert spool.lost == 1
    assert "0 MB wait there, and more is not kept" in spool.problem
    assert sum(path.stat().st_size for path in (tmp_path / "spool").glob("*-*")) >= 5000
    flaky.down = False
    assert spool.flush()
    until = time.monotonic() + 30
    while not spool.add(rows(1, first=added)):  # as soon as somebody has looked
        assert time.monotonic() < until
        time.sleep(0.01)
    assert spool.problem is None
    spool.close()
    assert store.count() == added + 1


@pytest.mark.parametrize("url", ["predictions.db", "mysql://u@h/d", "nosuch://x"])
def test_urls_that_are_none(url):
    with pytest.raises(UsageError, match=r"database URL|SQLite or PostgreSQL"):
        PredictionStore(url)


def test_reading_by_pickup_time(store):
    early, late = rows(1)[0], rows(1, first=1)[0] | {"pickup_time": "2021-03-01T00:00:00"}
    store.add([early, late])
    from datetime import datetime

    assert list(store.read(until=datetime(2021, 3, 1))["prediction_id"]) == ["id-0"]
    assert list(store.read(first=datetime(2021, 3, 1))["prediction_id"]) == ["id-1"]


def test_postgresql_does_the_same(postgresql, tmp_path):
    store = PredictionStore(postgresql)
    flaky = Flaky(store)
    flaky.down, flaky.fails_afterwards = False, True
    spool = Spool(tmp_path / "spool", flaky)
    spool.add(rows(2500))
    assert not spool.flush()
    assert spool.flush()
    spool.close()
    assert store.count() == 2500
    table = store.read()
    assert table["made_at"].iloc[0].isoformat() == "2021-02-03T08:30:00"
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="uses signals")
def test_a_server_process_killed_under_load_loses_no_acknowledged_prediction(tmp_path, store):
    """Every row whose writing was acknowledged (printed) before the kill is in the store afterwards, once."""
    code = """
import json, sys
from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.store import PredictionStore
spool = Spool(sys.argv[1], PredictionStore(sys.argv[2]), every_seconds=0.01).start()
row = json.loads(sys.argv[3])
for n in range(10**9):
    spool.add([row | {"prediction_id": f"id-{n}"}])
    print(n, flush=True)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "spool"), str(store.url), json.dumps(rows(1)[0])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    acknowledged = -1
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged >= 3000:
            process.send_signal(signal.SIGKILL)
            break
    for line in process.stdout:  # what it had said before the signal came
        acknowledged = int(line) if line.endswith("\n") else acknowledged
    process.wait()
    spool = Spool(tmp_path / "spool", store)
    assert spool.flush()
    spool.close()
    numbers = sorted(int(name.removeprefix("id-")) for name in store.read()["prediction_id"])
    assert numbers == list(range(len(numbers)))
    assert len(numbers) in (acknowledged + 1, acknowledged + 2)
