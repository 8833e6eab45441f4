"""How long all lessons and solutions take: `course run` against papermill, one after another on ordinary kernels.

Usage: python tests/benchmarks/bench_run.py [--jobs N] [MODULE]...

Both sides run the same notebooks with the months of trips already there, from the typed command to its end; ours
imports the libraries for its warm kernels first, and writes pages and pictures too. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from course_lib.paths import data_dir, project_root
from course_lib.taxi import trips
from course_lib.workbook.modules import find_modules

BIN = Path(sys.executable).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    modules = find_modules(asked.modules, project_root())
    notebooks = [module.solution(kind) for module in modules for kind in module.notebooks]
    for month in ("2021-01", "2021-02"):
        trips.fetch(month)
    with tempfile.TemporaryDirectory(prefix="bench-run-") as folder:
        print(json.dumps(bench(Path(folder), modules, notebooks, asked.jobs), indent=2))


def bench(folder: Path, modules: list, notebooks: list[Path], jobs: int) -> dict:
    """Seconds of both sides, and how many times faster ours is."""
    ordinary = papermill_one_by_one(folder / "papermill", notebooks)
    ours = course_run(folder / "course", [module.name for module in modules], jobs)
    return {
        "notebooks": len(notebooks),
        "processors": os.cpu_count(),
        "seconds": {"papermill, one by one": round(ordinary, 1), f"course run --jobs {jobs}": round(ours, 1)},
        "times faster": round(ordinary / ours, 1),
    }


def papermill_one_by_one(folder: Path, notebooks: list[Path]) -> float:
    """What a person types without this course's runner: the command, once for each notebook."""
    folder.mkdir()
    started = time.perf_counter()
    for notebook in notebooks:
        out = folder / f"{notebook.parent.name}-{notebook.name}"
        command = [BIN / "papermill", "--no-progress-bar", "--cwd", folder, notebook, out]
        run(command, environment(folder) | {"JUPYTER_DEFAULT_PROVISIONER_NAME": "local-provisioner"})
        print(f"papermill: {notebook.parent.name}/{notebook.stem}", file=sys.stderr)
    return time.perf_counter() - started


def course_run(folder: Path, modules: list[str], jobs: int) -> float:
    """The course's own command, its pages and figures included."""
    folder.mkdir()
    started = time.perf_counter()
    said = run([BIN / "course", "run", "--json", "--jobs", str(jobs), *modules], environment(folder))
    took = time.perf_counter() - started
    assert json.loads(said)["ok"]
    return took


def environment(folder: Path) -> dict[str, str]:
    """State and outputs in the benchmark's own folder, trips from where they already are."""
    own = {"COURSE_STATE_DIR": str(folder / "state"), "COURSE_DATA_DIR": str(data_dir().absolute())}
    own |= {"MLFLOW_TRACKING_URI": f"sqlite:///{(folder / 'mlflow.db').as_posix()}", "TAXI_DATA": "simulated"}
    own |= {"COURSE_ROOT": str(project_root()), "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return {**os.environ, **own}


def run(command: list, env: dict[str, str]) -> str:
    done = subprocess.run([str(word) for word in command], env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
