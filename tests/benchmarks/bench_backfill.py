"""How long `course backfill` takes for five months: cold, warm (nothing to do), and with one month changed.

Usage: python tests/benchmarks/bench_backfill.py [--rows N] [--jobs N] [--processes]

Whole commands, from start to end, on a folder of months that are there already; each cold run has a folder of its own.
One at a time is measured beside several at a time. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from course_lib.taxi import monthfile, trips

COURSE = Path(sys.executable).parent / "course"
FIRST, LAST, CHANGED = "2021-01", "2021-05", "2021-03"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="of each month; default: as many as it really had")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--processes", action="store_true", help="measure Dask worker processes as well")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-backfill-") as folder:
        print(json.dumps(bench(Path(folder), asked.rows, asked.jobs, asked.processes), indent=2))


def bench(folder: Path, rows: int | None, jobs: int, processes: bool) -> dict:
    """Seconds of each run, and what it ran."""
    source = folder / "source"
    source.mkdir()
    for month in trips.months(FIRST, LAST):
        shutil.copy(trips.fetch(month, source="simulated", rows=rows), source / monthfile.name_of(month))
    several = f"cold, {jobs} at a time"
    seconds = {"cold, one at a time": backfill(folder, source, "one", 1, ran=5)}
    seconds[several] = backfill(folder, source, "several", jobs, ran=5)
    if processes:
        seconds[f"{several}, processes"] = backfill(folder, source, "processes", jobs, "processes", ran=5)
    seconds["warm, nothing to do"] = min(backfill(folder, source, "several", jobs, ran=0) for _ in range(3))
    file = source / monthfile.name_of(CHANGED)
    pd.read_parquet(file).iloc[100:].to_parquet(file)
    seconds["one month changed"] = backfill(folder, source, "several", jobs, ran=1)
    return {
        "months": f"{FIRST} to {LAST}",
        "rows": sum(monthfile.footer(file).num_rows for file in source.iterdir()),
        "processors": os.cpu_count(),
        "seconds": seconds,
        "times faster, several at a time": round(seconds["cold, one at a time"] / seconds[several], 2),
        "times faster, warm": round(seconds[several] / seconds["warm, nothing to do"], 1),
    }


def backfill(folder: Path, source: Path, name: str, jobs: int, scheduler: str = "threads", *, ran: int) -> float:
    """Seconds of one command; ``ran`` is how many months it must have run."""
    places = ["--folder", folder / name, "--tracking", folder / name / "mlflow", "--source", source]
    command = [COURSE, "backfill", "--months", f"{FIRST}:{LAST}", "--jobs", jobs, "--scheduler", scheduler, *places]
    started = time.perf_counter()
    done = subprocess.run([*map(str, command), "--json"], capture_output=True, text=True)
    took = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-3000:]}")
    result = json.loads(done.stdout)
    assert len(result["ran"]) == ran, result["ran"]
    print(f"{name}, {ran} months run: {took:.1f} s", file=sys.stderr)
    return round(took, 2)


if __name__ == "__main__":
    main()
