"""A full disk: riders are answered all the same, and each prediction is stored or counted as lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from course_lib.taxi.service.carrier import waiting_files
from course_lib.taxi.service.live import Wanted
from course_lib.taxi.service.running import deployed
from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.store import PredictionStore
from tests.taxi.service.fakes import Constant, FakeRegistry, service
from tests.taxi.service.faults.riders import Riders, health, number


@pytest.fixture
def small_disk(tmp_path):
    """A file system of sixteen megabytes; skipped where none can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, timeout=30)
    except OSError as error:
        pytest.skip(f"there is no mount here: {error}")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], timeout=30, check=False)


def fill(folder: Path) -> Path:
    """Write until nothing more fits."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512, 64, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    return path


def test_the_disk_of_a_running_service_fills(home, small_disk):
    """Store and spool lie on it. Afterwards the numbers add up: every answer is stored once, or was counted as lost."""
    with (
        deployed(mlflow=home.folder, folder=small_disk) as service,
        Riders(service.url, home.minutes, threads=1) as riders,
    ):
        riders.until(lambda: number(service.url, "taxi_predictions_stored") > 10)
        filler = fill(small_disk)
        riders.until(lambda: number(service.url, "taxi_predictions_lost") > 20)
        told = health(service.url)
        assert told["ready"], "riders are still answered"
        assert "No space left on device" in " ".join(told["problems"]) or "disk is full" in " ".join(told["problems"])
        filler.unlink()
        riders.more(20)
        riders.until(lambda: health(service.url)["problems"] == [], 90)
        lost = number(service.url, "taxi_predictions_lost")
        riders.more(20)
        assert number(service.url, "taxi_predictions_lost") == lost
    assert set(riders.statuses()) == {200}
    riders.check()
    store = PredictionStore(f"sqlite:///{(small_disk / 'predictions.db').as_posix()}")
    spool = Spool(small_disk / "spool", store)
    assert spool.flush(), spool.problem
    spool.close()
    rows = store.read().set_index("request_id")
    store.close()
    assert rows.index.is_unique
    assert rows["prediction_id"].is_unique
    assert len(rows) + lost == len(riders.good), "stored or counted, never both, never neither"
    told = {one.id: one.body["minutes"] for one in riders.good}
    assert all(abs(told[own] - minutes) < 0.00501 for own, minutes in rows["minutes"].items())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_disk_that_takes_nothing(tmp_path):
    """/dev/full in the place of the spool's next file: the kernel itself says that there is no room."""
    with service(tmp_path, FakeRegistry({1: Constant(10.0)}, Wanted(1))) as made:
        assert made.predict().status_code == 200
        assert made.spool.flush()
        for number_of_file in range(2, 7):
            os.symlink("/dev/full", made.spool.folder / f"{made.spool._name}-{number_of_file:06d}.open")
        for _ in range(5):
            assert made.predict().status_code == 200
        assert "No space left on device" in made.client.get("/health/ready").json["problems"][0]
        for path in waiting_files(made.spool.folder):
            path.unlink()  # before anybody reads it: it has no end
        assert made.number("taxi_predictions_lost") == 5
        assert made.predict().status_code == 200
        assert len(made.stored()) == 2
