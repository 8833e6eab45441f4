"""On a Dask cluster, started here: the same results; workers that die or are gone, a scheduler that is gone."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from course_lib.taxi import backfill, backfill_engine, pipeline, pipeline_run
from tests.taxi.pipelines import own_data, settings, state_of

MONTHS = ["2021-01", "2021-02", "2021-03"]
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

# What a worker loads before it works: training February always kills it, training March does so once.
DEADLY = """
import os, signal
from pathlib import Path
from course_lib.taxi import pipeline_steps

train = getattr(pipeline_steps.train, "real", pipeline_steps.train)

def deadly(tables, settings, out):
    once = Path.cwd() / "died-once"
    if tables.month == "2021-02" or (tables.month == "2021-03" and not once.exists()):
        once.touch() if tables.month == "2021-03" else None
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return train(tables, settings, out)

deadly.real = train  # this may be loaded twice
pipeline_steps.train = deadly
"""


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    with own_data(tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture
def start(tmp_path):
    """Start ``dask scheduler`` or ``dask worker`` with arguments; all of them end with the test."""
    started = []
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    environment["DASK_TEMPORARY_DIRECTORY"] = str(tmp_path / "scratch")

    def run(*arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        with (tmp_path / "cluster.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=tmp_path)
        started.append(process)
        return process

    yield run
    for process in reversed(started):
        end(process)


def end(process):
    """End a process and those that it started, at once."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait(30)


@pytest.fixture
def scheduler(start, tmp_path):
    """A scheduler: its process and its address."""
    file = tmp_path / "scheduler.json"
    process = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return process, json.loads(file.read_text(encoding="utf-8"))["address"]
        except (OSError, ValueError):
            time.sleep(0.05)
    raise AssertionError((tmp_path / "cluster.log").read_text(encoding="utf-8"))


@pytest.fixture
def impatient(monkeypatch):
    """A cluster without workers is given up after two seconds."""
    monkeypatch.setattr(backfill_engine.on_cluster, "__defaults__", (2.0,))


def test_a_worker_that_dies_is_retried_and_one_that_always_dies_costs_its_month_only(start, scheduler, tmp_path):
    _, address = scheduler
    deadly = tmp_path / "deadly.py"
    deadly.write_text(DEADLY, encoding="utf-8")
    start("worker", address, "--nthreads", "1", "--preload", str(deadly))
    state = tmp_path / "state"
    result = backfill.run(MONTHS, settings(), folder=state, tracking=tmp_path / "mlflow", scheduler=address)
    assert (tmp_path / "died-once").exists()
    assert list(result.failed) == ["2021-02"], result.failed
    assert result.failed["2021-02"].startswith("train: the worker process died each time it ran this step")
    assert [month.outputs["register"].version for month in result.months if month.ok] == [1, 2]
    for month in ("2021-01", "2021-03"):
        assert pipeline.run_month(month, settings(), folder=tmp_path / "alone", until="evaluate").ok
    mine, alone = state_of(state), state_of(tmp_path / "alone")
    assert {name: mine[name] for name in alone} == alone
    plan = backfill.plan(MONTHS, settings(), folder=state, tracking=tmp_path / "mlflow")
    assert plan.todo == ["2021-02"]
    assert next(one.step for one in plan.steps if one.status != "fresh") == "train"


def test_all_workers_of_this_machine_killed_in_the_middle(tmp_path):
    """The processes that backfill started itself: they are started anew, and the months go on."""
    killed = []

    def kill_them_once(_month, _step, _did):
        if not killed:
            for child in psutil.Process().children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
                    killed.append(child.pid)

    result = backfill.run(
        MONTHS,
        settings(),
        folder=tmp_path / "state",
        tracking=tmp_path / "mlflow",
        jobs=2,
        scheduler="processes",
        progress=kill_them_once,
    )
    assert len(killed) >= 2
    assert result.ok, result.failed
    assert [month.outputs["register"].version for month in result.months] == [1, 2, 3]


def test_workers_that_are_gone_for_good_are_told_and_not_waited_for(start, scheduler, tmp_path, impatient):  # noqa: ARG001
    _, address = scheduler
    worker = start("worker", address, "--nthreads", "1", "--no-nanny")
    state = tmp_path / "state"
    result = backfill.run(
        ["2021-01", "2021-02"],
        settings(),
        folder=state,
        scheduler=address,
        tracking=tmp_path / "mlflow",
        progress=lambda *_: end(worker),
    )
    assert list(result.failed) == ["2021-01", "2021-02"]
    assert "the cluster has had no worker for 2 s; what is done stays done" in result.failed["2021-02"]
    again = backfill.run(["2021-01"], settings(), folder=state, tracking=tmp_path / "mlflow", jobs=1)
    assert again.ok


def test_a_scheduler_that_is_gone_is_told_and_not_waited_for(start, scheduler, tmp_path, impatient):  # noqa: ARG001
    process, address = scheduler
    start("worker", address, "--nthreads", "1", "--no-nanny")
    result = backfill.run(
        ["2021-01", "2021-02"],
        settings(),
        folder=tmp_path / "state",
        tracking=tmp_path / "mlflow",
        scheduler=address,
        progress=lambda *_: end(process),
    )
    assert not result.ok
    assert set(result.failed) <= {"2021-01", "2021-02"}
    assert all("cluster" in why for why in result.failed.values()), result.failed


def test_a_scheduler_without_workers(scheduler, tmp_path, monkeypatch):
    _, address = scheduler
    monkeypatch.setattr(backfill_engine.cluster.__wrapped__, "__defaults__", (1.0,))
    with pytest.raises(
        backfill_engine.ClusterLost, match=r"has had no worker for 1 s\. Start some: dask worker tcp://"
    ):
        backfill.run(["2021-01"], settings(), folder=tmp_path, scheduler=address)


def test_a_worker_that_sees_another_folder_says_so_and_touches_nothing(tmp_path):
    about = dataclasses.replace(pipeline_run.context(settings(), tmp_path / "here"), token="abc")
    result = pipeline_run.advance("ingest", pipeline.MonthResult("2021-01"), about)
    assert "doesn't see the folder" in result.error
    assert "must see the same files under the same path" in result.error
    assert not (tmp_path / "here").exists()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / pipeline_run.SIGN).write_text("abc\nprocess 1 on host\n", encoding="utf-8")
    assert pipeline_run.advance("ingest", pipeline.MonthResult("2021-01"), about).ok


def test_a_worker_with_other_code_says_so(tmp_path):
    (tmp_path / pipeline_run.SIGN).write_text("abc\n", encoding="utf-8")
    about = dataclasses.replace(pipeline_run.context(settings(), tmp_path), token="abc", code={"train": "other"})
    result = pipeline_run.advance("train", pipeline.MonthResult("2021-01"), about)
    assert "another version of course_lib" in result.error
    assert not (tmp_path / "2021-01").exists()
