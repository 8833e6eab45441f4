"""The start of a class on one machine: so many students log in to a real JupyterHub at once, and each runs a cell.

Usage: python tests/benchmarks/bench_hub.py [--students N]        (Linux, as root: each student has an account)

Memory is the proportional share (PSS). Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.deploy.hub import Hub, classroom, running

# on the hub's machine: memory in MB and processor time in s, of the hub, its proxy, and all servers and kernels
_LOOK = """
import json, psutil
told, kinds = {}, {"jupyterhub -f": "hub", "configurable-http-proxy": "proxy", "lab --hub": "servers"}
kinds["ipykernel"] = "kernels"
for process in psutil.process_iter():
    try:
        line, used = " ".join(process.cmdline()), process.cpu_times()
        kind = next((kind for part, kind in kinds.items() if part in line), None)
        if kind:
            seen = told.setdefault(kind, {"processes": 0, "MB": 0, "processor, s": 0})
            seen["processes"] += 1
            seen["MB"] += process.memory_full_info().pss / 1e6
            seen["processor, s"] += used.user + used.system
    except psutil.Error:
        continue
print(json.dumps(told))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=10)
    asked = parser.parse_args()
    names = [f"student{number:03}" for number in range(asked.students)]
    with (
        tempfile.TemporaryDirectory(prefix="bench-hub-") as folder,
        classroom(Path(folder), names) as machine,
        running(machine, Path(folder) / "log") as hub,
    ):
        print(json.dumps(bench(hub, names), indent=2))


def bench(hub: Hub, names: list[str]) -> dict:
    """Seconds until everybody is in and has run a cell, and what that took."""
    before, began = look(hub), time.perf_counter()
    browsers = hub.come_in(names)
    inside = time.perf_counter() - began
    after = look(hub)
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda browser: browser.start_kernel(), browsers.values()))
        told = list(pool.map(lambda browser: browser.execute("print(6 * 7)").strip(), browsers.values()))
    assert told == ["42"] * len(names), told
    working = look(hub)
    each = {kind: round(working[kind]["MB"] / len(names)) for kind in ("servers", "kernels")}
    return {
        "processors": os.cpu_count(),
        "students": len(names),
        "all are in after, s": round(inside, 1),
        "hub's processor for each, s": round((seconds(after, "hub") - seconds(before, "hub")) / len(names), 2),
        "proxy's processor for each, s": round((seconds(after, "proxy") - seconds(before, "proxy")) / len(names), 2),
        "server's processor for each, s": round(seconds(after, "servers") / len(names), 2),
        "server and idle kernel of each, MB": each,
        "hub, MB": round(working["hub"]["MB"]),
    }


def look(hub: Hub) -> dict[str, dict[str, float]]:
    """What runs on the hub's machine now."""
    return json.loads(hub.machine.sure(sys.executable, "-c", _LOOK))


def seconds(seen: dict[str, dict[str, float]], kind: str) -> float:
    return seen[kind]["processor, s"]


if __name__ == "__main__":
    main()
