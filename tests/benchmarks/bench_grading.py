"""Grade one class with nbgrader as it comes and with ``course grade``, side by side, and compare speed and scores.

The class is for module 01's exercises and quiz: right, wrong, half-done and untouched hand-ins from the course's own
sample class, and some that are broken. Both sides start as a command on a prepared gradebook, with the same
settings, on the same machine; what each hand-in deserves is known beforehand. Only hand-ins that nbgrader survives are
in the class: of others it stops. nbgrader grades the class once, which takes so long that a machine's moods even out;
ours grades it for about as long, each time anew, half before and half after that, and the mean counts.

    python tests/benchmarks/bench_grading.py [--students 24] [--large 240] [--jobs N] [--module 01_intro]

Another module's class has the same habits, without the broken ones, and the ratio is another: the more libraries its
notebooks import, the longer nbgrader starts kernels.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from course_lib.grading.nurseries import cores
from course_lib.grading.worker import NAME
from course_lib.paths import data_dir, project_root

MODULE = "01_intro"
REPEATS = 20
BROKEN = ("syntax error", "stops at the top", "test cell deleted", "warns")


def main() -> None:
    """Run both sides and print one JSON object."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--students", type=int, default=24)
    arguments.add_argument("--large", type=int, default=240)
    arguments.add_argument("--jobs", type=int, help="as many as there are processors, unless named")
    arguments.add_argument("--module", default=MODULE)
    asked = arguments.parse_args()
    adopt()
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as folder:
        report = bench(Path(folder).resolve(), asked.module, asked.students, asked.large, asked.jobs)
    print(json.dumps(report, indent=2))


def adopt() -> None:
    """Become the parent of all processes below whose own parent ends."""
    if sys.platform == "linux":
        from course_lib.grading.sandbox.namespaces import become_subreaper

        become_subreaper()


def bench(folder: Path, module: str, students: int, large: int, jobs: int | None) -> dict:
    """Both sides on ``students`` hand-ins, ours on ``large`` too (0: not)."""
    warm_up(folder, module)
    autograde, grade = [*nbgrader(), "autograde", module], [*course(), "grade", module, "--json"]
    grade += ["--jobs", str(jobs)] if jobs else []
    stock = folder / "stock"
    deserved = make_course(stock, module, students)
    fresh = [shutil.copytree(stock, folder / f"ours-{number}") for number in range(REPEATS)]
    half = REPEATS // 2
    our_runs = [timed(grade, root) for root in fresh[:half]]
    stock_took, _ = timed(autograde, stock)
    our_runs += [timed(grade, root) for root in fresh[half:]]
    our_took = {name: statistics.mean(took[name] for took, _ in our_runs) for name in stock_took}
    memory = max((megabytes for _, megabytes in our_runs if megabytes is not None), default=None)
    report = {
        "module": module,
        "students": students,
        "notebooks": 2 * students,
        "processors": cores(),
        "jobs": jobs or cores(),
        "nbgrader": speed(students, stock_took),
        "course grade": speed(students, our_took) | {"memory per worker, MB": memory},
        "course grade, each time": [round(took["seconds"], 1) for took, _ in our_runs],
        "times faster": round(stock_took["seconds"] / our_took["seconds"], 1),
        "times less processor time": round(stock_took["processor seconds"] / our_took["processor seconds"], 1),
        "scores": compare_all(scores_of(stock, module), [scores_of(root, module) for root in fresh], deserved),
    }
    again, _ = timed(grade, fresh[0])
    report["nothing to do, seconds"] = round(again["seconds"], 1)
    if large:
        big = folder / "large"
        wanted = make_course(big, module, large)
        took, memory = timed(grade, big)
        wrong = wrong_scores(scores_of(big, module), wanted)
        growth = (took["seconds"] / large) / (our_took["seconds"] / students)
        report["large class"] = {"students": large, **speed(large, took), "memory per worker, MB": memory}
        report["large class"] |= {"time per student against the small class": round(growth, 2), "wrong scores": wrong}
    return report


def speed(students: int, took: dict) -> dict:
    rounded = {name: round(value, 1) for name, value in took.items()}
    return {**rounded, "submissions per minute": round(60 * students / took["seconds"], 1)}


def make_course(root: Path, name: str, students: int) -> dict[tuple[str, str], float]:
    """A course folder with hand-ins and a prepared gradebook; returns what each notebook deserves."""
    from course_lib.workbook.modules import find_modules
    from course_lib.workbook.sample_class import sample_class

    home = project_root()
    for folder in ("solutions", "modules"):
        shutil.copytree(home / folder / name, root / folder / name)
    for file in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copyfile(home / file, root / file)
    (module,) = find_modules([name], home)
    submitted = root / "gradebook" / "submitted"
    sample = sample_class(module, submitted, size=students)
    deserved = {(s.name, notebook): points for s in sample for notebook, points in s.points.items()}
    whole = [s.name for s in sample if s.habit == "right"] if name == MODULE else []
    for number, student in enumerate(whole):
        kind = BROKEN[number % len(BROKEN)]
        if number % 2:  # every second one of the right ones stays right
            path = submitted / student / name / "exercises.ipynb"
            deserved[student, "exercises"] -= break_notebook(path, kind)
    subprocess.run(
        [*nbgrader(), "generate_assignment", name, "--log-level=ERROR"], cwd=root, check=True, env=environment(root)
    )
    return deserved


def break_notebook(path: Path, kind: str) -> float:
    """Break a right notebook; returns the points that this must cost."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = {cell.get("metadata", {}).get("nbgrader", {}).get("grade_id"): cell for cell in notebook["cells"]}
    answer = cells["stage"]
    worth = sum(
        c["metadata"]["nbgrader"]["points"] for name, c in cells.items() if name and name.startswith("stage-test")
    )
    if kind == "syntax error":
        answer["source"] = "stage = {"
    elif kind == "stops at the top":
        answer["source"] = "1 / 0"
    elif kind == "test cell deleted":
        notebook["cells"].remove(cells["stage-test"])
        worth = 0
    else:
        answer["source"] = ["import warnings\n", "warnings.warn('careful')\n", *_lines(answer["source"])]
        worth = 0
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return worth


def compare_all(stock: dict, ours: list[dict], deserved: dict[tuple[str, str], float]) -> dict:
    """Each time that ours has graded the class must come to the same; one of them against nbgrader."""
    if any(scores != ours[0] for scores in ours):
        raise SystemExit("the same hand-ins got different scores from one time to the next")
    return compare(stock, ours[0], deserved)


def compare(stock: dict, ours: dict, deserved: dict[tuple[str, str], float]) -> dict:
    """Cell by cell, where nbgrader gives a notebook what it deserves; and both sides against what is deserved."""
    right = {place for place, points in deserved.items() if abs(total(stock, place) - points) < 0.01}
    cells = [(place, cell) for place in right for cell in stock.get(place, {})]
    different = [f"{place}: {cell}" for place, cell in cells if stock[place][cell] != ours.get(place, {}).get(cell)]
    return {
        "notebooks": len(deserved),
        "nbgrader right": len(right),
        "course grade right": len(deserved) - len(wrong_scores(ours, deserved)),
        "cells compared where nbgrader is right": len(cells),
        "cells that differ there": different,
        "course grade wrong": wrong_scores(ours, deserved),
    }


def wrong_scores(scores: dict, deserved: dict[tuple[str, str], float]) -> list[str]:
    return [
        f"{place}: {total(scores, place):g} for {points:g}"
        for place, points in deserved.items()
        if abs(total(scores, place) - points) >= 0.01
    ]


def total(scores: dict, place: tuple[str, str]) -> float:
    return sum(points or 0.0 for points in scores.get(place, {}).values())


def scores_of(root: Path, module: str) -> dict[tuple[str, str], dict[str, float | None]]:
    """The machine's points of every graded cell, from the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{root / 'gradebook' / 'gradebook.db'}", "taxi-mlops") as book:
        return {
            (row.student_id, notebook.name): {grade.name: grade.auto_score for grade in notebook.grades}
            for row in book.assignment_submissions(module)
            for notebook in row.notebooks
            if notebook.grades
        }


def timed(command: list[str], root: Path) -> tuple[dict, float | None]:
    """What a command takes in seconds, on the clock and of processors, and the largest memory of one of our workers."""
    before, started = _processor_seconds(), time.perf_counter()
    process = subprocess.Popen(
        command, cwd=root, env=environment(root), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    watch = _Watch(process.pid, lambda p: p.name() == NAME)
    _, said = process.communicate()
    seconds = time.perf_counter() - started
    time.sleep(0.5)  # until what was killed at the end has ended
    took = {"seconds": seconds, "processor seconds": _processor_seconds() - before}
    memory = watch.stop()
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    return took, memory


def _processor_seconds() -> float:
    """Of all finished children, theirs included: unlike the clock, not much more when the machine is busy otherwise.

    Processes whose parents ended before them are ours to wait for (see `adopt`): students' processes in their rooms
    are such, and must count.
    """
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Watch:
    """Looks twice a second at the memory of all processes below the command, each page divided by the number of those
    that share it, and takes it for each of our workers: students' and judges' processes and what they are forked from
    included."""

    def __init__(self, pid: int, wanted: Callable[[psutil.Process], bool]) -> None:
        self.pid, self.wanted, self.most, self.going = pid, wanted, 0, True
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        while self.going:
            try:
                below = psutil.Process(self.pid).children(recursive=True)
                workers = sum(self.wanted(process) for process in below)
                if workers:
                    used = sum(process.memory_full_info().pss for process in below)
                    self.most = max(self.most, used // workers)
            except psutil.Error:
                pass
            time.sleep(0.5)

    def stop(self) -> float | None:
        self.going = False
        self.thread.join()
        return round(self.most / 2**20, 1) if self.most else None


def warm_up(folder: Path, module: str) -> None:
    """What only a first run on a machine does: the months that the exercises load, and Python's compiled modules."""
    from course_lib.taxi import trips

    for month in ("2021-01", "2021-02"):
        trips.load(month, source="simulated", rows=8000)
    for name, command in (("stock", [*nbgrader(), "autograde", module]), ("ours", [*course(), "grade", "--json"])):
        make_course(folder / f"warm-{name}", module, 1)
        timed(command, folder / f"warm-{name}")


def environment(root: Path) -> dict[str, str]:
    own = {"COURSE_ROOT": str(root), "COURSE_DATA_DIR": str(data_dir()), "TAXI_DATA": "simulated"}
    own["PYTHONDONTWRITEBYTECODE"] = ""  # as on anybody's machine: compiled modules are kept
    return {**os.environ, **own, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def nbgrader() -> list[str]:
    return [sys.executable, "-m", "nbgrader"]


def course() -> list[str]:
    return [sys.executable, "-m", "course_lib"]


def _lines(source: str | list[str]) -> list[str]:
    return source.splitlines(keepends=True) if isinstance(source, str) else source


if __name__ == "__main__":
    main()
