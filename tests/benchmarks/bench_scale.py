"""How seconds and memory grow with the number of rides, when a model learns from months that are on disk.

    python tests/benchmarks/bench_scale.py [RIDES]...        # default: 300000 1000000

Each size is ten simulated months, made beforehand and not measured, and a later one to score on. It is measured in a
process of its own: cleaning and cutting the months, growing the trees on all rides, and beside it the usual model on a
sample that fits into memory. Seconds are the processor's own, as on a machine with nothing else to do: all of it runs
on one processor. Prints one JSON object; --csv adds the figures to a table that the lessons read.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FIRST, LAST, VALID = "2021-01", "2021-10", "2021-11"
DEFAULT, VALID_ROWS = [300_000, 1_000_000], 100_000
FIELDS = (
    "rides", "cut_seconds", "trees_seconds", "peak_mb", "rmse_all", "rmse_sample", "sample_rides", "processor", "when",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rides", type=int, nargs="*", default=DEFAULT)
    parser.add_argument("--csv", type=Path, help="a table to add the figures to")
    parser.add_argument("--keep", type=Path, help="a folder for the simulated months, kept for the next time")
    parser.add_argument("--measure", nargs=2, metavar=("SOURCE", "WORK"), help=argparse.SUPPRESS)
    parser.add_argument("--simulate", nargs=2, metavar=("RIDES", "HOME"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(*asked.measure)))
        return
    if asked.simulate:
        print(json.dumps(str(months_of(int(asked.simulate[0]), Path(asked.simulate[1])))))
        return
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
        home = asked.keep or Path(folder)
        sizes = [size(rides, home, Path(folder)) for rides in asked.rides]
    if asked.csv:
        append(sizes, asked.csv)
    print(json.dumps({"sizes": sizes, "growth": growth(sizes)}, indent=2))


def size(rides: int, home: Path, scratch: Path) -> dict:
    """Simulate the months of one size if they aren't there, and measure them; each in a process of its own.

    A process starts with the peak of the one that started it: this one must stay small.
    """
    source, work = in_a_process("--simulate", rides, home), scratch / f"work-{rides}"
    found = in_a_process("--measure", source, work)
    shutil.rmtree(work)
    print(f"{found['rides']:,} rides: {found['seconds']} s of the processor, {found['peak_mb']} MB", file=sys.stderr)
    return found


def in_a_process(*words: object) -> Any:
    """What another start of this file prints, read."""
    command = [sys.executable, __file__, *map(str, words)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def months_of(rides: int, home: Path) -> Path:
    """A folder of ten months that have ``rides`` rows in all, and the month to score on."""
    os.environ["COURSE_DATA_DIR"] = str(home.resolve())
    from course_lib.taxi import monthfile, trips

    names = trips.months(FIRST, LAST)
    rows = rides // len(names)
    for month in names:
        path = trips.fetch(month, source="simulated", rows=rows)
    target = path.with_name(monthfile.name_of(VALID))
    later = trips.fetch(VALID, source="simulated", rows=VALID_ROWS)
    if later != target:
        shutil.copy(later, target)
    return target.parent


def measure(source: str, work: str) -> dict:
    """Seconds and peak memory of one training, and the errors of both models."""
    from course_lib.taxi import trips
    from course_lib.taxi.years import training

    started, names = time.perf_counter(), trips.months(FIRST, LAST)
    begun, clock = time.process_time(), {}

    def say(line: str) -> None:
        clock.setdefault(line, time.process_time())  # what is fitted is told before
        print(f"{time.perf_counter() - started:7.1f} s {peak_mb():6.0f} MB  {line}", file=sys.stderr, flush=True)

    report = training.train(names, VALID, source=source, work=work, progress=say)
    kept = report.learned[training.STREAMED]
    cut = clock["fitting the trees"] - begun
    trees = clock[f"fitting {training.SAMPLED}"] - clock["fitting the trees"]
    rmse = report.scores["rmse"].round(3)
    return {
        "rides": kept,
        "seconds": round(cut + trees, 1),
        "cut_seconds": round(cut, 1),
        "trees_seconds": round(trees, 1),
        "seconds_by_the_wall": round(report.seconds["cut"] + report.seconds[training.STREAMED], 1),
        "peak_mb": round(peak_mb()),
        "rmse_all": float(rmse[training.STREAMED]),
        "rmse_sample": float(rmse[training.SAMPLED]),
        "sample_rides": report.learned[training.SAMPLED],
        "microseconds_per_ride": round(1e6 * (cut + trees) / kept, 1),
        "bytes_per_ride": round(1e6 * peak_mb() / kept),
    }


def growth(sizes: list[dict]) -> dict:
    """From the smallest to the largest: how many times the rides, the seconds and the memory."""
    first, last = sizes[0], sizes[-1]
    return {name: round(last[name] / first[name], 2) for name in ("rides", "seconds", "peak_mb")}


def append(sizes: list[dict], table: Path) -> None:
    """Add the figures, with the processor and the day, to a CSV file."""
    about = {"processor": processor(), "when": f"{datetime.date.today():%Y-%m-%d}"}
    new = not table.is_file()
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore", lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows({**one, **about} for one in sizes)


def processor() -> str:
    """What the system calls its processor, and how many there are."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{os.cpu_count()} x {name}"


def peak_mb() -> float:
    """The most memory that this process has held, in megabytes."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


if __name__ == "__main__":
    main()
