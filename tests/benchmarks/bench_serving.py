"""One ride at a time over HTTP: MLflow's own server, our service by its pipeline and by its compiled form, the ceiling.

    python tests/benchmarks/bench_serving.py [--rounds 3] [--seconds 5]

All sides serve the same model with two workers on this machine, and are asked in turn by wrk (from Debian's packages)
for rides between changing zones at changing times, with 1, 8 and 64 connections; medians over the rounds. Only the
service stores its predictions; what that costs is measured by a side that doesn't. Times are in milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import requests

CONNECTIONS, WORKERS = (1, 8, 64), 2
SIDES = ("mlflow", "pipeline", "compiled", "forgetful", "empty")
RIDE = """
local n = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  n = n + 1
  local pickup, dropoff = 1 + (n * 37) % 263, 1 + (n * 101 + 7) % 263
  if pickup == dropoff then dropoff = dropoff % 263 + 1 end
  local time = string.format("2021-02-%02dT%02d:%02d:00", 1 + n % 28, n % 24, n % 60)
  return wrk.format(nil, PATH, nil, string.format(BODY, pickup, dropoff, time))
end
function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("RESULT %f %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
"""
OURS = '{"pickup": %d, "dropoff": %d, "time": "%s-05:00"}'
COLUMNS = '"columns": ["PULocationID", "DOLocationID", "lpep_pickup_datetime"]'
THEIRS = f'{{"dataframe_split": {{{COLUMNS}, "data": [[%d, %d, "%s"]]}}}}'


def main() -> None:
    """Measure and print one JSON object."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=5, help="of each measurement")
    asked = arguments.parse_args()
    if not shutil.which("wrk"):
        sys.exit("Error: wrk is needed to ask quickly enough: apt-get install wrk.")
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as folder:
        print(json.dumps(bench(Path(folder), asked.rounds, asked.seconds), indent=2))


def bench(folder: Path, rounds: int, seconds: int) -> dict:
    """All sides in turn, ``rounds`` times; medians and ratios."""
    registry = folder / "mlflow"
    train(registry)
    found: dict[str, dict[int, list[dict]]] = {side: {c: [] for c in CONNECTIONS} for side in SIDES}
    facts: dict[str, list[dict]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES:
            print(f"round {number + 1}, {side}", file=sys.stderr, flush=True)
            started = time.perf_counter()
            with serving(side, registry, folder / f"{side}-{number}") as (url, process):
                ready = time.perf_counter() - started
                script = folder / f"{side}.lua"
                body, path = (THEIRS, "/invocations") if side == "mlflow" else (OURS, "/predict")
                script.write_text(f"PATH = {json.dumps(path)}\nBODY = {json.dumps(body)}\n{RIDE}", encoding="utf-8")
                ask(url, script, 8, 2)  # warm-up
                for connections in CONNECTIONS:
                    found[side][connections].append(ask(url, script, connections, seconds))
                facts[side].append({"ready_seconds": ready, "worker_mb": memory(process)})
                if side == "compiled":
                    facts[side][-1]["rides_a_minute_in_lists"] = lists(url)
    return summary(found, facts)


def summary(found: dict, facts: dict) -> dict:
    """Medians of each side and number of connections, and the ratios that count."""
    result: dict = {}
    for side, by_connections in found.items():
        result[side] = {
            f"{c}_connections": {name: round(statistics.median(one[name] for one in runs), 3) for name in runs[0]}
            for c, runs in by_connections.items()
        }
        for name in facts[side][0]:
            result[side][name] = round(statistics.median(one[name] for one in facts[side]), 1)
    eight = {side: result[side]["8_connections"] for side in SIDES}
    rate = {side: one["per_second"] for side, one in eight.items()}
    result["at_8_connections"] = {
        "compiled_against_mlflow": round(rate["compiled"] / rate["mlflow"], 1),
        "compiled_against_pipeline": round(rate["compiled"] / rate["pipeline"], 1),
        "share_of_ceiling": round(rate["compiled"] / rate["empty"], 3),
        "p99_mlflow_against_compiled": round(eight["mlflow"]["p99"] / eight["compiled"]["p99"], 1),
        "cost_of_storing": round(1 - rate["compiled"] / rate["forgetful"], 3),
    }
    return result


def train(registry: Path) -> None:
    """The course's model, registered as champion."""
    from course_lib.taxi import cleaning, models, tracking, trips

    rides = cleaning.clean(trips.load("2021-01", source="simulated"), "2021-01").trips
    tracking.setup(registry)
    tracking.register(models.build("boosting").fit(rides, rides["duration"]), example=rides.head(3))


@contextlib.contextmanager
def serving(side: str, registry: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """A side's server, ready to answer."""
    if side == "mlflow":
        with mlflow(folder) as running:
            yield running
        return
    from course_lib.taxi.service import server
    from course_lib.taxi.service.running import deployed

    target = server.APPLICATION if side == "compiled" else f"tests.benchmarks.serving_apps:{side}"
    with deployed(workers=WORKERS, mlflow=registry, folder=folder, target=target) as service:
        yield service.url, service.process


@contextlib.contextmanager
def mlflow(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """`mlflow models serve` at its best: one thread for each of its workers, no environment of its own."""
    from course_lib.taxi import tracking
    from course_lib.taxi.service.server import free_port

    folder.mkdir(parents=True)
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{tracking.MODEL_NAME}@champion"]
    command += ["--env-manager", "local", "--workers", str(WORKERS), "--port", str(port), "--host", "127.0.0.1"]
    import mlflow as library

    env = os.environ | {"MLFLOW_TRACKING_URI": library.get_tracking_uri(), "OMP_NUM_THREADS": "1"}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"  # it looks for uvicorn there
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{url}/ping", timeout=5).ok:
                    break
            if process.poll() is not None:
                sys.exit((folder / "log").read_text(encoding="utf-8")[-2000:])
            time.sleep(0.1)
        yield url, process
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """End a server and all that it has started."""
    family = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    process.wait(20)
    for child in family:
        with contextlib.suppress(psutil.Error):
            child.kill()


def ask(url: str, script: Path, connections: int, seconds: int) -> dict[str, float]:
    """What wrk measured; a wrong answer among them ends the benchmark."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    values = re.search(r"RESULT (\S+) (\S+) (\S+) (\d+)", said)
    if values is None or int(values[4]):
        sys.exit(f"Error: not every request was answered well:\n{said}")
    return dict(zip(("per_second", "p50", "p99"), map(float, values.groups()[:3]), strict=True))


def lists(url: str, rides: int = 10_000, times: int = 5) -> float:
    """Rides a minute when they come ``rides`` at a time, the median of some requests."""
    ride = {"time": "2021-02-03T08:30:00-05:00", "rider": "anna"}
    body = json.dumps([{"pickup": 1 + n % 200, "dropoff": 201 + n % 60, **ride} for n in range(rides)])
    took = []
    for _ in range(times):
        started = time.perf_counter()
        answer = requests.post(f"{url}/predict", data=body, headers={"Content-Type": "application/json"}, timeout=60)
        took.append(time.perf_counter() - started)
        if len(answer.json()["predictions"]) != rides:
            sys.exit("Error: a ride was left out")
    return rides / statistics.median(took) * 60


def memory(process: subprocess.Popen) -> float:
    """Megabytes that a worker has for itself, on average."""
    family = psutil.Process(process.pid).children(recursive=True)
    own = [child.memory_full_info().uss for child in family if child.memory_info().rss > 50e6]
    return statistics.mean(own) / 1e6 if own else psutil.Process(process.pid).memory_full_info().uss / 1e6


if __name__ == "__main__":
    main()
