"""Riders who ask without a pause, keep all that they were told, and check every word of it against the models."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import requests

from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.store import PredictionStore
from tests.taxi.samples import PLACES, booked

COUNT = 300


def bookings() -> tuple[list[dict[str, Any]], Any]:
    """Rides as riders send them, and the same as models are asked for them."""
    rng = np.random.default_rng(7)
    pairs = [rng.choice(PLACES, 2, replace=False).tolist() for _ in range(COUNT)]
    times = [datetime(2021, 2, 1) + timedelta(minutes=int(m)) for m in rng.integers(0, 27 * 1440, COUNT)]
    sent = [
        {"pickup": p, "dropoff": d, "time": f"{t.isoformat()}-05:00"} for (p, d), t in zip(pairs, times, strict=True)
    ]
    return sent, booked([p for p, _ in pairs], [d for _, d in pairs], times)


@dataclass(frozen=True)
class Outcome:
    """One request: its id, which ride, and the status (0: the connection failed) and body that came back."""

    id: str
    ride: int
    status: int
    body: dict[str, Any] | None


class Riders:
    """``with Riders(url, minutes, threads) as riders``: ``minutes[version][ride]`` is what each model says."""

    def __init__(self, url: str, minutes: dict[int, np.ndarray], threads: int = 2, name: str = "r") -> None:
        self.url, self.minutes, self.name = url, minutes, name
        self.outcomes: list[Outcome] = []
        self._rides, _ = bookings()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self) -> Riders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, thread: int) -> None:
        for n in itertools.count():
            if self._stop.is_set():
                return
            # a new connection now and then, so that no rider stays with one worker
            with requests.Session() as session:
                for turn in range(10):
                    self.outcomes.append(self._one(session, f"{self.name}-{thread}-{n}-{turn}", (n * 10 + turn)))
                    if not self.outcomes[-1].status:
                        time.sleep(0.02)  # nobody listens just now
                        break

    def _one(self, session: requests.Session, own: str, number: int) -> Outcome:
        ride = number % COUNT
        try:
            answer = session.post(
                f"{self.url}/predict", json=self._rides[ride], headers={"X-Request-ID": own}, timeout=10
            )
            return Outcome(own, ride, answer.status_code, answer.json())
        except requests.RequestException:  # what is cut off raises, and so does half a JSON object
            return Outcome(own, ride, 0, None)

    @property
    def good(self) -> list[Outcome]:
        """Those that were answered."""
        return [one for one in list(self.outcomes) if one.status == 200]

    def statuses(self) -> Counter:
        """How often each status came; 0 is a connection that failed."""
        return Counter(one.status for one in list(self.outcomes))

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait while everybody goes on asking."""
        wait_until(condition, seconds, self.statuses)

    def more(self, count: int = 30) -> None:
        """Wait for so many more answers."""
        before = len(self.good)
        self.until(lambda: len(self.good) >= before + count)

    def versions(self) -> Counter:
        """Which model answered how often."""
        return Counter(one.body["model"]["version"] for one in self.good)

    def check(self) -> None:
        """Every answer is whole, is about the ride that was asked, and is what the version it names says."""
        for one in self.good:
            version = one.body["model"]["version"]
            assert one.body["request_id"] == one.id
            assert abs(one.body["minutes"] - self.minutes[version][one.ride]) < 0.00501, one

    def check_store(self, folder: Path, url: str | None = None) -> int:
        """Every answered ride is stored exactly once, as it was told; returns how many rows there are."""
        return check_store([self], folder, url)


def check_store(all_riders: list[Riders], folder: Path, url: str | None = None) -> int:
    """As Riders.check_store, for several crowds; brings what the service left on disk first."""
    store = PredictionStore(url or f"sqlite:///{(folder / 'predictions.db').as_posix()}")
    spool = Spool(folder / "spool", store)
    assert spool.flush(), spool.problem
    spool.close()
    rows = store.read()
    store.close()
    assert rows["prediction_id"].is_unique
    found = rows[~rows["shadow"]].set_index("request_id")
    assert found.index.is_unique, "a request of one ride is one prediction"
    sent = {one.id for riders in all_riders for one in riders.outcomes}
    assert set(found.index) <= sent
    minutes, versions = found["minutes"].to_dict(), found["model_version"].to_dict()
    for one in (one for riders in all_riders for one in riders.good):
        assert abs(minutes[one.id] - one.body["minutes"]) < 0.00501, one
        assert versions[one.id] == one.body["model"]["version"]
    return len(found)


def wait_until(condition: Callable[[], bool], seconds: float = 60, saying: Callable[[], Any] = str) -> None:
    """Ask every tenth of a second; a connection that fails is a no."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {saying()}")


def health(url: str) -> dict[str, Any]:
    """What /health/ready says."""
    return requests.get(f"{url}/health/ready", timeout=10).json()


def number(url: str, name: str) -> float:
    """One of the numbers of /metrics."""
    lines = requests.get(f"{url}/metrics", timeout=10).text.splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[-1])
