"""A store that is locked or restarted costs nobody an answer, and no prediction."""

from __future__ import annotations

import contextlib
import sqlite3

from course_lib.taxi.service import server
from course_lib.taxi.service.running import deployed
from tests.taxi.service.faults.riders import Riders, health, number
from tests.taxi.service.processes import workers_started


def test_sqlite_locked_by_somebody_else(home, tmp_path):
    with deployed(mlflow=home.folder, folder=tmp_path) as service:
        with Riders(service.url, home.minutes, threads=1) as riders:
            riders.more(10)
            riders.until(lambda: number(service.url, "taxi_predictions_stored") > 0)
            with contextlib.closing(sqlite3.connect(tmp_path / "predictions.db", isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                riders.until(lambda: health(service.url)["problems"] != [])
                told = health(service.url)
                assert told["ready"], "riders are still answered"
                assert "the prediction store can't be reached: OperationalError" in told["problems"][0]
                assert "database is locked" in told["problems"][0]
                assert "INSERT" not in told["problems"][0]
                assert number(service.url, "taxi_store_up") == 0
                riders.more(30)
                assert number(service.url, "taxi_predictions_waiting") >= 30
            riders.until(lambda: health(service.url)["problems"] == [], 90)
            assert number(service.url, "taxi_store_up") == 1
        assert number(service.url, "taxi_predictions_lost") == 0
    assert set(riders.statuses()) == {200}
    riders.check()
    assert riders.check_store(tmp_path) == len(riders.good)


def test_an_orderly_end_leaves_nothing_waiting(home, tmp_path):
    """Stopped under load: what was answered is in the store when the service has ended, not only at its next start."""
    from course_lib.taxi.service.store import PredictionStore

    with contextlib.ExitStack() as until_later, deployed(mlflow=home.folder, folder=tmp_path, workers=2) as service:
        riders = until_later.enter_context(Riders(service.url, home.minutes, threads=2))
        riders.until(lambda: workers_started(service) == 2)
        riders.more(100)
    assert set(riders.statuses()) <= {200, 0}
    assert list((tmp_path / "spool").iterdir()) == [], "no file, and no lock of a process that is gone"
    store = PredictionStore(f"sqlite:///{(tmp_path / 'predictions.db').as_posix()}")
    assert store.count() >= len(riders.good)
    store.close()
    riders.check()


def test_postgresql_restarted_in_the_middle(home, tmp_path, postgresql_server, empty_database):
    """Stopped at once, as by a loss of power, with connections open; then started again."""
    with deployed(mlflow=home.folder, folder=tmp_path, environment={server.STORE: empty_database}) as service:
        with Riders(service.url, home.minutes, threads=1) as riders:
            riders.until(lambda: number(service.url, "taxi_predictions_stored") > 20)
            postgresql_server.stop()
            try:
                riders.until(lambda: health(service.url)["problems"] != [])
                told = health(service.url)
                assert told["ready"]
                assert "the prediction store can't be reached" in told["problems"][0]
                riders.more(30)
                assert number(service.url, "taxi_store_up") == 0
                assert number(service.url, "taxi_predictions_waiting") >= 30
            finally:
                postgresql_server.start()
            riders.until(lambda: health(service.url)["problems"] == [], 90)
            riders.more(10)
        assert number(service.url, "taxi_predictions_lost") == 0
    assert set(riders.statuses()) == {200}
    riders.check()
    assert riders.check_store(tmp_path, empty_database) == len(riders.good)
