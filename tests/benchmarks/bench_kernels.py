"""How long until a notebook's imports are done: ordinary, warm and sandboxed kernels, one and several at once.

Usage: python tests/benchmarks/bench_kernels.py [--at-once 8] [--rounds 3] [--imports pandas,sklearn.ensemble,mlflow]

All sides take turns in one run, so that a busy machine is equally busy for each. Prints one JSON object: seconds
(medians), how many times faster than an ordinary kernel each kind is, and what the template costs once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

KINDS = {"cold": "local-provisioner", "warm": "warm", "sandboxed": "sandboxed"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--imports", default="pandas,sklearn.ensemble,mlflow")
    options = parser.parse_args()
    runtime = tempfile.mkdtemp(prefix="cb-", dir="/tmp")
    os.environ.update(XDG_RUNTIME_DIR=runtime, COURSE_WARM_IDLE_SECONDS="300", COURSE_WARM_OWNER=str(os.getpid()))
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    try:
        print(json.dumps(measure(options.at_once, options.rounds, options.imports), indent=2))
    finally:
        shutil.rmtree(runtime, ignore_errors=True)


def measure(at_once: int, rounds: int, imports: str) -> dict:
    kinds = {kind: name for kind, name in KINDS.items() if kind != "sandboxed" or sandbox_is_possible()}
    once = {kind: notebook(name, imports) for kind, name in kinds.items() if kind != "cold"}
    one: dict[str, list[float]] = {kind: [] for kind in kinds}
    many: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        for kind, name in kinds.items():
            one[kind].append(notebook(name, imports))
            many[kind].append(several(name, imports, at_once))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    seconds = {
        "one notebook": {kind: round(statistics.median(found), 3) for kind, found in one.items()},
        f"{at_once} at once": {kind: round(statistics.median(found), 3) for kind, found in many.items()},
    }
    return {
        "imports": imports,
        "processors": os.cpu_count(),
        "seconds": seconds,
        "times faster than cold": {
            case: {kind: round(found["cold"] / value, 1) for kind, value in found.items() if kind != "cold"}
            for case, found in seconds.items()
        },
        "first notebook, which waits for the template, seconds": {k: round(v, 3) for k, v in once.items()},
    }


def sandbox_is_possible() -> bool:
    from course_lib.grading.sandbox.probe import probe

    found = probe()
    if not found.available:
        print(f"without sandbox: {found.problem}", file=sys.stderr)
    return found.available


def several(name: str, imports: str, number: int) -> float:
    """Seconds until all of ``number`` notebooks, started together, have their imports."""
    started = time.perf_counter()
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(lambda _: notebook(name, imports), range(number)))
    return time.perf_counter() - started


def notebook(name: str, imports: str) -> float:
    """Seconds from asking for a kernel until its first cell, the imports, is done."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    class Manager(KernelManager):
        """Each kind of kernel by its own kernelspec: the default for a process is fixed when it is first asked for."""

        @property
        def kernel_spec(self):
            spec = KernelSpecManager().get_kernel_spec("python3")
            spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": name}}
            return spec

    started = time.perf_counter()
    manager = Manager()
    manager.start_kernel(cwd=tempfile.gettempdir(), stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        client.execute_interactive(f"import {imports}", timeout=120, allow_stdin=False, output_hook=lambda _: None)
        return time.perf_counter() - started
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
