"""What one student costs a hub: memory of JupyterLab and of each lesson's kernel, processor time, and disk.

Usage: python tests/benchmarks/bench_student.py [MODULE…]

Each lesson runs from top to bottom as in JupyterLab, in a fresh copy of the workbook as last committed. Memory is the
proportional share (PSS) of the kernel and whatever it starts, looked at four times a second. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from course_lib.paths import project_root
from course_lib.workbook.handout import hand_out
from course_lib.workbook.lab import lab_command, lab_environment
from course_lib.workbook.ports import find_free_port
from course_lib.workbook.publish import publish

_EVERY = 0.25  # seconds
_RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=1800, kernel_name="python3").execute(cwd=sys.argv[2])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="such as 01_intro; default: all")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-student-") as folder:
        root = Path(folder) / "workbook"
        publish(project_root(), f"{folder}/release.git")
        hand_out(root, f"{folder}/release.git")
        os.environ.pop("COURSE_DATA_DIR", None)
        os.environ["COURSE_ROOT"] = str(root)
        print(json.dumps(bench(root, asked.modules), indent=2))


def bench(root: Path, modules: list[str]) -> dict:
    """Megabytes and seconds of the server and of each lesson; gigabytes on the disk in the end."""
    names = modules or sorted(path.parent.name for path in root.glob("modules/*/lesson.ipynb"))
    lessons = {}
    server = start(root)
    for name in names:
        lessons[name] = lesson(root / "modules" / name)
        print(f"{name}: {lessons[name]}", file=sys.stderr, flush=True)
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    peak = max(one["kernel, MB"] for one in lessons.values())
    total = {"server and largest kernel, MB": round(server["server, MB"] + peak), "disk, MB": round(size / 1e6)}
    return {"processors": os.cpu_count(), **server, "lessons": lessons, **total}


def start(root: Path) -> dict:
    """JupyterLab until it answers: what it then holds, and the processor's time for it."""
    port = find_free_port()
    command = [*lab_command(root, port=port, browser=False), "--IdentityProvider.token=t"]
    process = subprocess.Popen(command, cwd=root / "modules", env=lab_environment(), stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/lab/tree/start.ipynb?token=t", timeout=30).read()
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        watched = psutil.Process(process.pid)
        used = watched.cpu_times()
        return {"server, MB": megabytes([watched]), "server's start, processor s": round(used.user + used.system, 1)}
    finally:
        process.terminate()
        process.wait(30)


def lesson(folder: Path) -> dict:
    """One lesson in a kernel of its own: the most memory at once, and the time of processors and of the clock."""
    command = [sys.executable, "-c", _RUN, str(folder / "lesson.ipynb"), str(folder)]
    began, most, spent = time.perf_counter(), 0.0, {}
    process = subprocess.Popen(command, env=lab_environment())
    client = psutil.Process(process.pid)
    while process.poll() is None:
        kernels = [child for child in client.children(recursive=True) if child.is_running()]
        most = max(most, megabytes(kernels))
        for kernel in kernels:
            try:
                used = kernel.cpu_times()
                spent[kernel.pid] = used.user + used.system
            except psutil.Error:  # it ended meanwhile
                continue
        time.sleep(_EVERY)
    if process.returncode:
        raise SystemExit(f"{folder.name}'s lesson failed")
    return {
        "kernel, MB": most,
        "processor, s": round(sum(spent.values())),
        "clock, s": round(time.perf_counter() - began),
    }


def megabytes(processes: list[psutil.Process]) -> float:
    """What they hold together; what they share with others counts by its part."""
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:  # it ended meanwhile
            continue
    return round(total / 1e6, 1)


if __name__ == "__main__":
    main()
