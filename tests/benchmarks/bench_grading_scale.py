"""How many hand-ins a minute a cluster grades, by the number of its workers, and what a hundred would grade.

The class is that of the module's sample, right, wrong, half-done and untouched, as often as is asked for. Three things
are measured in one run, on one machine, so that ratios between them count whatever else it does:

- grading by 1, 2 and 4 workers of a Dask cluster (processes here, each of one thread), and by as many processes without
  a cluster: hand-ins a minute by the clock, and what each part takes of a processor for one hand-in;
- the ceiling: workers that grade nothing and answer at once with what was answered before, so that all there is to do
  is handing out, carrying, and writing files and the gradebook (in SQLite, and in PostgreSQL where it is installed);
- from these the model: n workers grade min(n / worker, 1 / scheduler, 1 / writer) hand-ins a second, where each name
  stands for the seconds that one hand-in takes there.

    python tests/benchmarks/bench_grading_scale.py [--students 48] [--ceiling 480] [--workers 1 2 4]
    python tests/benchmarks/bench_grading_scale.py --students 240 --ceiling 2400 --whole 2400

With --courses 10 nothing but this is measured: so many courses of --students hand-ins each begin at the same moment, on
one cluster of the most workers, each with a gradebook of its own on one PostgreSQL server.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from course_lib.grading.nurseries import cores
from course_lib.grading.records import own_code
from course_lib.paths import data_dir, project_root
from tests.benchmarks.bench_grading import MODULE, _processor_seconds, adopt
from tests.taxi.cluster.processes import Processes, processes

SIZES = (1, 2, 4, 10, 30, 100, 300)
SAME_CODE = """
from course_lib.grading import crew
crew.own_code = lambda: {own_code!r}  # somebody may be writing on it meanwhile
"""
PRELOAD = """
import pickle
answers = pickle.load(open({answers!r}, "rb"))
def do(token, kind, body):
    order = pickle.loads(body)
    submission = order["submission"]
    result = pickle.loads(answers[submission.student.partition(".")[2]])
    result.student, result.key, result.content = submission.student, order["key"], submission.digest
    return pickle.dumps(result)
crew.do = do
crew.prepare = lambda *_: ""
do.__module__, do.__qualname__ = crew.__name__, "do"
"""


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=48, help="hand-ins for each number of workers")
    parser.add_argument("--ceiling", type=int, default=480, help="hand-ins that are only carried and written")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--whole", type=int, default=0, help="hand-ins that the most workers grade in one go")
    parser.add_argument("--courses", type=int, default=0, help="courses that are graded at the same moment")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(json.load(sys.stdin))))
        return
    adopt()
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
        run = at_once if asked.courses else bench
        print(json.dumps(run(Path(folder).resolve(), asked), indent=2))


def bench(folder: Path, asked: argparse.Namespace) -> dict:
    """All three parts."""
    course = Course(folder / "course", asked.students)
    report: dict = {"processors": cores(), "load at the start": os.getloadavg()[0], "hand-ins": asked.students}
    answers, rows = folder / "answers.pickle", []
    course.grade(folder / "warm", 1, take=6)  # what only a first run does
    for workers in asked.workers:
        said = f"{workers} workers …"
        print(said, file=sys.stderr, flush=True)
        local = course.grade(folder / f"local-{workers}", workers)
        cluster = course.grade(folder / f"cluster-{workers}", workers, cluster=True, keep=answers)
        share = round(cluster["processor s"] / local["processor s"], 3)
        rows.append({"workers": workers, "cluster": cluster, "local": local, "processor, cluster / local": share})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    report["by workers"] = rows
    report["ceiling"] = ceiling(course, folder, answers, asked.ceiling)
    report["model"] = model(rows[0]["cluster"], report["ceiling"])
    if asked.whole:
        with postgresql() as url:
            whole = course.grade(
                folder / "whole", asked.workers[-1], cluster=True, repeat=asked.whole // asked.students, gradebook=url
            )
        report["whole"] = {"workers": asked.workers[-1], "gradebook": "PostgreSQL" if url else "SQLite", **whole}
    return report | {"load at the end": os.getloadavg()[0]}


def at_once(folder: Path, asked: argparse.Namespace) -> dict:
    """Several courses that begin together: how long until the first and the last is done, and what is wrong."""
    course, workers, load = Course(folder / "course", asked.students), max(asked.workers), os.getloadavg()[0]
    course.grade(folder / "warm", 1, take=6)
    with processes(folder) as made, postgresql() as url:
        address = _start(made, workers, "")["address"]
        orders = [
            course.order(folder / f"course-{n}", workers, scheduler=address, gradebook=_database(url, f"course_{n}"))
            for n in range(asked.courses)
        ]
        started = time.perf_counter()
        with ThreadPoolExecutor(len(orders)) as pool:
            found = list(pool.map(_measured, orders))
        seconds = time.perf_counter() - started
    hand_ins = sum(one["hand-ins"] for one in found)
    return {
        "courses": len(found),
        "hand-ins": hand_ins,
        "workers": workers,
        "gradebooks": "PostgreSQL" if url else "SQLite",
        "seconds": round(seconds, 1),
        "hand-ins a minute": round(60 * hand_ins / seconds, 1),
        "first grade of a course after, s": [
            min(f["seconds to the first"] for f in found),
            max(f["seconds to the first"] for f in found),
        ],
        "a course done after, s": [min(f["seconds"] for f in found), max(f["seconds"] for f in found)],
        "wrong scores": sum(one["wrong scores"] for one in found),
        "peak MB of a course's writer": max(one["writer's peak MB"] or 0 for one in found),
        "processors": cores(),
        "load at the start": load,
    }


class Course:
    """A course of one module, its hand-ins, and what they deserve."""

    def __init__(self, root: Path, students: int) -> None:
        from course_lib.workbook.modules import find_modules
        from course_lib.workbook.sample_class import sample_class

        self.root, home = root, project_root()
        for name in ("solutions", "modules"):
            shutil.copytree(home / name / MODULE, root / name / MODULE)
        shutil.copyfile(home / "pyproject.toml", root / "pyproject.toml")
        (module,) = find_modules([MODULE], home)
        sample = sample_class(module, root / "one", size=students)
        self.points = {student.name: student.points for student in sample}

    def grade(self, out: Path, workers: int, *, cluster: bool = False, preload: str = "", **order: object) -> dict:
        """Grade in a process of its own; what each part took of a processor for one hand-in, in seconds."""
        told = self.order(out, workers, **order)
        before = _processor_seconds()
        with processes(out) as made:
            parts = _start(made, workers, preload) if cluster else {}
            told["scheduler"] = parts.pop("address", None)
            at_first = {name: _used(part) for name, part in parts.items()}
            found = _measured(told)
            used = {name: _used(part) - at_first[name] for name, part in parts.items()}
            ours = sum(_used(part) for part in parts.values())
        time.sleep(1)  # until all that was killed has ended
        number = found["hand-ins"]
        grading = _processor_seconds() - before - ours - found.pop("own processor s")
        found["processor s"] = round(sum(used.values(), grading) / number + found["writer s"], 4)
        found |= {f"{name} s": round(seconds / number, 5) for name, seconds in used.items()}
        return {**found, "grading s": round(grading / number, 4)}

    def order(self, out: Path, workers: int, **more: object) -> dict:
        """What a process is told that grades into a new folder."""
        out.mkdir(parents=True)
        told = {
            "root": str(self.root),
            "out": str(out),
            "workers": workers,
            "points": self.points,
            "own code": own_code(),
            "scheduler": None,
        }
        return told | {name: str(value) if isinstance(value, Path) else value for name, value in more.items()}


def _start(made: Processes, workers: int, preload: str) -> dict:
    """A scheduler and workers."""
    from distributed import Client

    environment = _environment()
    address = made.scheduler(environment=environment)
    (made.folder / "preload.py").write_text(SAME_CODE.format(own_code=own_code()) + preload, encoding="utf-8")
    arguments = ("--preload", str(made.folder / "preload.py"))
    for number in range(workers):
        made.worker(address, f"worker-{number}", arguments=arguments, environment=environment)
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=300)
    return {"address": address, "scheduler": made.started[:1], "Dask's worker": made.started[1:]}


def _used(parts: list[subprocess.Popen]) -> float:
    """Seconds of a processor, of these processes alone."""
    return sum(sum(psutil.Process(part.pid).cpu_times()[:2]) for part in parts)


def _environment() -> dict[str, str]:
    return {"COURSE_DATA_DIR": str(data_dir()), "TAXI_DATA": "simulated", "PYTHONDONTWRITEBYTECODE": ""}


def _measured(order: dict) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--measure"],
        input=json.dumps(order), stdout=subprocess.PIPE, text=True, env={**os.environ, **_environment()},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit("grading failed, as is said above")
    return json.loads(done.stdout)


def measure(order: dict) -> dict:
    """In a process of its own: grade, and tell what that took here, where the gradebook is written."""
    from course_lib.grading import class_job, crew, grade_class, records
    from course_lib.grading.coursefolders import plain_folders

    records.own_code = crew.own_code = lambda: order["own code"]
    out, submissions = Path(order["out"]), _hand_ins(order)
    if "modes" in order:
        (out / "gradebook" / "results").mkdir(parents=True)
        shutil.copyfile(order["modes"], out / "gradebook" / "results" / "modes.json")
    answers: dict[str, bytes] = {}
    seen: list[tuple[float, float]] = []

    def progress(_done: int, _total: int, result: object) -> None:
        if result is not None:
            seen.append((time.perf_counter(), _own()))

    keep = class_job.Job._keep

    def kept(self, book, done):
        if order.get("keep"):
            answers.update((submission.student.partition(".")[2], pickle.dumps(result)) for submission, result in done)
        keep(self, book, done)

    class_job.Job._keep = kept
    nursery = None if order["scheduler"] else grade_class.Nursery(order["workers"])
    started = time.perf_counter()
    done = grade_class.grade(
        [MODULE], submissions=submissions, root=Path(order["root"]), folders=plain_folders(out), nursery=nursery,
        jobs=None if order["scheduler"] else order["workers"], scheduler=order["scheduler"], progress=progress,
        gradebook=order.get("gradebook"),
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if order.get("keep"):
        Path(order["keep"]).write_bytes(pickle.dumps(answers))
    (first, own_then), (last, own_now) = seen[0], seen[-1]
    number = len(seen)
    return {
        "hand-ins": number,
        "wrong scores": sum(_wrong(result, order["points"]) for result in done.results),
        "seconds": round(seconds, 2),
        "seconds to the first": round(first - started, 2),
        "hand-ins a minute": round(60 * (number - 1) / (last - first), 1),
        "writer s": round((own_now - own_then) / (number - 1), 5),
        "own processor s": _own(),
        "writer's peak MB": _peak(),
    }


def _own() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float | None:
    """The most memory that this process has had; the system's other figure begins with its parent's."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    return next((round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmHWM")), None)


def _hand_ins(order: dict) -> Path:
    """The folder of hand-ins: the sample's, as often as is wanted, each time by other students."""
    one, many = Path(order["root"]) / "one", Path(order["out"]) / "in"
    names = sorted(path.name for path in one.iterdir())[: order.get("take")]
    for number in range(order.get("repeat") or 1):
        for name in names:
            shutil.copytree(one / name, many / f"c{number}.{name}")
    return many


def _wrong(result, points: dict) -> bool:
    wanted = points[result.student.partition(".")[2]]
    return any(n.points is None or abs(n.points - wanted[n.name]) > 0.01 for n in result.notebooks)


def ceiling(course: Course, folder: Path, answers: Path, students: int) -> dict:
    """What is left when grading takes no time, for each kind of gradebook."""
    kept = pickle.loads(answers.read_bytes())
    report: dict = {"kB of an answer": round(sum(map(len, kept.values())) / len(kept) / 1000, 1)}
    preload = PRELOAD.format(answers=str(answers))
    # how tests are run was decided when the answers were made
    known = {
        "repeat": max(1, students // len(kept)),
        "modes": next(folder.glob("cluster-*/gradebook/results/modes.json")),
    }
    with postgresql() as url:
        for name, gradebook in {"SQLite": None, **({"PostgreSQL": url} if url else {})}.items():
            out = folder / f"ceiling-{name}"
            report[name] = course.grade(out, 2, cluster=True, preload=preload, gradebook=gradebook, **known)
    return report


@contextlib.contextmanager
def postgresql() -> Iterator[str | None]:
    """A PostgreSQL server that is there for the block; None where it is not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs or (os.geteuid() == 0 and not shutil.which("runuser")):
        yield None
        return
    from tests.taxi.service.conftest import _postgresql

    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="bench-postgresql-", ignore_cleanup_errors=True) as home:
        if own:
            shutil.chown(home, "postgres")
        server = _postgresql(programs[-1].parent, Path(home), own)
        try:
            yield next(server).url
        finally:
            next(server, None)


def _database(url: str | None, name: str) -> str | None:
    """The address of a new database on the same server."""
    if url is None:
        return None
    from sqlalchemy import create_engine, make_url, text

    there = make_url(url).set(drivername="postgresql+psycopg")
    with create_engine(there, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def model(alone: dict, top: dict) -> dict:
    """Hand-ins a minute for numbers of workers, each with a processor of its own, and what holds them up."""
    named = {"writer, SQLite": top["SQLite"]["writer s"]}
    if "PostgreSQL" in top:
        named["writer, PostgreSQL"] = top["PostgreSQL"]["writer s"]
    named["scheduler"] = top["SQLite"]["scheduler s"]
    worker = alone["grading s"] + alone["Dask's worker s"]
    ceilings = {name: 1 / seconds for name, seconds in named.items()}
    first = min(ceilings, key=lambda name: ceilings[name])
    rate = {n: min(n / worker, ceilings[first]) for n in SIZES}
    return {
        "seconds of a worker for one": round(worker, 4),
        "hand-ins a minute at most": {name: round(60 * value) for name, value in ceilings.items()},
        "hand-ins a minute by workers": {n: round(60 * value) for n, value in rate.items()},
        "minutes for 2,400": {n: round(2400 / value / 60, 1) for n, value in rate.items()},
        "breaks first": first,
        "at workers": round(worker * ceilings[first]),
    }


if __name__ == "__main__":
    main()
