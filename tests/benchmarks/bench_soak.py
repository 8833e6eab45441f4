"""Does a worker's memory stay flat? Riders ask for minutes on end; its memory is read every second.

    python -m tests.benchmarks soak                         # a minute, as a part of `make bench`
    python tests/benchmarks/bench_soak.py --minutes 10      # what it takes to see a slow leak

One connection asks as quickly as it is answered: single rides, now and then a list, a broken request, the numbers.
The first fifth of the time is warm-up (caches fill, the allocator finds its size); a line is laid through the rest.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import requests

WARM_UP = 0.2
LIST = 200


def main() -> None:
    """Measure and print one JSON object."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=1.0)
    arguments.add_argument("--pause", type=float, default=0.0, help="seconds between two requests")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        print(json.dumps(soak(Path(folder), asked.minutes * 60, asked.pause), indent=2))


def soak(folder: Path, seconds: float, pause: float = 0.0) -> dict:
    """Ask for so long; what was answered, and the worker's memory and files over time."""
    from course_lib.taxi.service.running import deployed

    train(folder / "mlflow")
    samples: list[tuple[float, float, int]] = []
    counts: dict[int, int] = {}
    with deployed(mlflow=folder / "mlflow", folder=folder / "service") as service, requests.Session() as session:
        worker = max(psutil.Process(service.process.pid).children(), key=lambda child: child.memory_info().rss)
        started = time.monotonic()
        for number in itertools.count():
            passed = time.monotonic() - started
            if passed >= seconds:
                break
            if passed >= len(samples):
                samples.append((passed, worker.memory_full_info().uss / 1e6, worker.num_fds()))
                if len(samples) % 60 == 1:
                    print(f"{passed:.0f} s: {samples[-1][1]:.1f} MB, {number} requests", file=sys.stderr, flush=True)
            status = ask(session, service.url, number)
            counts[status] = counts.get(status, 0) + 1
            time.sleep(pause)
        numbers = session.get(f"{service.url}/metrics", timeout=10).text
    return summary(samples, counts, seconds) | {"predictions_lost": value(numbers, "taxi_predictions_lost")}


def ask(session: requests.Session, url: str, number: int) -> int:
    """The next request of a mixture; its status."""
    pickup = 1 + number % 263
    ride = {"pickup": pickup, "dropoff": 1 + (pickup + number // 263) % 263, "rider": f"rider-{number % 5000}"}
    ride["time"] = f"2021-02-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:00-05:00"
    if number % 500 == 0:
        return session.get(f"{url}/metrics", timeout=30).status_code
    if number % 100 == 0:
        return session.post(f"{url}/predict", json=[ride] * LIST, timeout=30).status_code
    if number % 50 == 0:
        return session.post(f"{url}/predict", json=ride | {"dropoff": 999}, timeout=30).status_code
    return session.post(f"{url}/predict", json=ride, timeout=30).status_code


def summary(samples: list[tuple[float, float, int]], counts: dict[int, int], seconds: float) -> dict:
    """The line through memory over time after the warm-up: its slope in MB an hour.

    Theil and Sen's line (the median slope of all pairs of samples): a moment's dip or peak doesn't tilt it.
    """
    from scipy.stats import theilslopes

    table = np.array(samples)
    after = table[table[:, 0] >= seconds * WARM_UP]
    hours, memory, files = after[:, 0] / 3600, after[:, 1], after[:, 2]
    slope, _, least, most = theilslopes(memory, hours)
    requests_answered = sum(counts.values())
    return {
        "minutes": round(seconds / 60, 2),
        "requests": requests_answered,
        "by_status": {str(status): count for status, count in sorted(counts.items())},
        "worker_mb_at_start": round(float(table[0, 1]), 1),
        "worker_mb_after_warm_up": round(float(memory[0]), 1),
        "worker_mb_at_end": round(float(memory[-1]), 1),
        "worker_mb_most": round(float(table[:, 1].max()), 1),
        "slope_mb_an_hour": round(float(slope), 2),
        "slope_between": [round(float(least), 2), round(float(most), 2)],
        "bytes_a_request": round(float(memory[-1] - memory[0]) * 1e6 / max(requests_answered * (1 - WARM_UP), 1), 2),
        "files_open_at_start_and_end": [int(table[0, 2]), int(files[-1])],
        "worker_mb_each_minute": [round(float(m), 1) for m in table[::60, 1]],
    }


def value(numbers: str, name: str) -> float:
    """One of the numbers of /metrics."""
    return float(next(line for line in numbers.splitlines() if line.startswith(name + " ")).split()[-1])


def train(registry: Path) -> None:
    """The course's model, registered as champion."""
    from course_lib.taxi import cleaning, models, tracking, trips

    rides = cleaning.clean(trips.load("2021-01", source="simulated", rows=20_000), "2021-01").trips
    tracking.setup(registry)
    tracking.register(models.build("boosting").fit(rides, rides["duration"]), example=rides.head(3))


if __name__ == "__main__":
    main()
