"""How long it takes to simulate, write, and load a month, and how much memory; prints JSON.

    python tests/benchmarks/bench_simulate.py [ROWS]...

Each size runs in a process of its own, so that its peak memory is its own. Budgets: 75,000 rows in 3 s,
3,000,000 in 90 s and 6 GB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

BUDGETS = {75_000: {"seconds": 3, "gigabytes": 6}, 3_000_000: {"seconds": 90, "gigabytes": 6}}


def measure(rows: int) -> dict[str, float]:
    """Seconds for each step, and the process's peak memory in gigabytes after it."""
    result: dict[str, float] = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_DATA_DIR"] = folder
        os.environ.pop("TAXI_DATA", None)
        from course_lib.taxi import monthfile, simulator, simulator_world, trips

        started = time.perf_counter()
        simulator_world.world()
        result["city_seconds"] = time.perf_counter() - started
        started = time.perf_counter()
        table = simulator.simulate("2021-01", rows)
        result["simulate_seconds"] = time.perf_counter() - started
        started = time.perf_counter()
        path = monthfile.write(table, Path(folder) / "month.parquet")
        result["write_seconds"] = time.perf_counter() - started
        result["file_megabytes"] = path.stat().st_size / 1e6
        result["simulate_gigabytes"] = peak_gigabytes()
        del table
        trips.fetch("2021-01", rows=rows)
        started = time.perf_counter()
        trips.load("2021-01", rows=rows)
        result["load_seconds"] = time.perf_counter() - started
        result["all_gigabytes"] = peak_gigabytes()
    return {name: round(value, 3) for name, value in result.items()}


def peak_gigabytes() -> float:
    """The most memory that this process has held."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def main() -> int:
    """Measure every size; exit 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(description="Benchmark of simulated months")
    parser.add_argument("rows", nargs="*", type=int, default=[75_000, 3_000_000])
    sizes = parser.parse_args().rows or [75_000, 3_000_000]
    results = []
    for rows in sizes:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            results.append(pool.apply(measure, (rows,)))
    over = [
        f"{one['rows']:,} rows: {what}"
        for one in results
        for what, limit in BUDGETS.get(int(one["rows"]), {}).items()
        if one["simulate_seconds" if what == "seconds" else "all_gigabytes"] > limit
    ]
    print(json.dumps({"simulate": results, "over_budget": over}, indent=2))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
