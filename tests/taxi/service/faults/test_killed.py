"""kill -9 under load: no wrong answer, no half answer, the service is back, and nothing acknowledged is lost."""

from __future__ import annotations

import os

import psutil
import pytest

from course_lib.taxi.service.carrier import waiting_files
from course_lib.taxi.service.running import deployed
from tests.taxi.service.faults.riders import Riders, check_store, health, number
from tests.taxi.service.processes import carriage, children, workers, workers_started

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed by a signal")


def test_workers_are_killed_one_after_the_other(home, tmp_path):
    """Two workers, each killed once while three riders ask on: the others go on, and the dead come back."""
    with deployed(mlflow=home.folder, folder=tmp_path, workers=2) as service:
        with Riders(service.url, home.minutes, threads=3) as riders:
            riders.until(lambda: workers_started(service) == 2)  # the first alone makes the service ready
            riders.more(100)
            first = workers(service)
            assert len(first) == 2
            for killed, victim in enumerate(first, 1):
                victim.kill()
                riders.until(lambda killed=killed: workers_started(service) == 2 + killed)
                riders.more(50)
            assert {worker.pid for worker in workers(service)}.isdisjoint(worker.pid for worker in first)
        assert service.process.poll() is None
    riders.check()
    assert set(riders.statuses()) <= {200, 0}, riders.statuses()
    # at most what was in flight at two kills, and the first tries of those who then found nobody
    assert riders.statuses()[0] <= 60, riders.statuses()
    assert len(riders.good) >= 200
    stored = riders.check_store(tmp_path)
    assert len(riders.good) <= stored <= len(riders.outcomes)


def test_what_brings_predictions_is_killed(home, tmp_path):
    """It is started again, brings what was left, and nobody waits for it meanwhile."""
    with (
        deployed(mlflow=home.folder, folder=tmp_path) as service,
        Riders(service.url, home.minutes, threads=2) as riders,
    ):
        riders.until(lambda: number(service.url, "taxi_predictions_stored") > 20)
        first = carriage(service)
        first.kill()
        riders.more(50)
        riders.until(lambda: carriage(service) not in (None, first))
        told = number(service.url, "taxi_predictions_stored")
        riders.until(lambda: number(service.url, "taxi_predictions_stored") > told > 20)  # it counts on
        assert health(service.url)["problems"] == []
    assert "what brings predictions to the store ended" in service.log.read_text(encoding="utf-8")
    assert set(riders.statuses()) == {200}
    riders.check()
    assert riders.check_store(tmp_path) == len(riders.good)


def test_the_parent_is_killed(home, tmp_path):
    """No worker outlives it, and a new start on the same folder goes on where the old one ended."""
    with (
        deployed(mlflow=home.folder, folder=tmp_path, workers=2) as service,
        Riders(service.url, home.minutes, threads=3, name="first") as before,
    ):
        before.more(100)
        orphans = children(service)
        service.process.kill()
        service.process.wait(10)
        _, alive = psutil.wait_procs(orphans, timeout=20)
        assert alive == []
    left = waiting_files(tmp_path / "spool")
    with (
        deployed(mlflow=home.folder, folder=tmp_path, workers=2) as service,
        Riders(service.url, home.minutes, threads=2, name="second") as after,
    ):
        after.more(50)
        after.until(lambda: not any(path.exists() for path in left))  # brought by whoever looked first
    for riders in (before, after):
        riders.check()
        assert set(riders.statuses()) <= {200, 0}
    assert after.statuses()[0] <= 2
    stored = check_store([before, after], tmp_path)
    assert stored >= len(before.good) + len(after.good)
