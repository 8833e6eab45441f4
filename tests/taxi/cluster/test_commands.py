"""Backfill, score and train on a cluster of processes: the same answers as here, also when a worker is killed."""

from __future__ import annotations

import contextlib
import json
import sys
import time

import pandas as pd
import pytest

from course_lib.errors import CourseError, UsageError
from course_lib.taxi import (
    backfill,
    cleaning,
    cluster,
    cluster_versions,
    monthfile,
    pipeline,
    storage,
    storage_sign,
    tracking,
    training,
    trips,
)
from course_lib.taxi.service import batch_many
from course_lib.taxi.years import training as years
from tests.taxi.cluster.conftest import MONTHS, ROWS
from tests.taxi.cluster.processes import end, free_port
from tests.taxi.pipelines import settings

TREES = {"trees": 6, "chunk": 600, "sample": 500}


@pytest.fixture
def two_workers(running):
    """A scheduler's address and its two workers."""
    address = running.scheduler()
    return address, [running.worker(address, name) for name in ("one", "two")]


def contents(place: storage.Place) -> dict[str, bytes]:
    """Every parquet file and model of three months, by name."""
    return {
        f"{month}/{name}": (place / month).read(name)
        for month in MONTHS
        for name in (place / month).names()
        if name.endswith((".parquet", ".pkl", "scores.json"))
    }


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """One registry for all tests here: making one takes seconds."""
    return tracking.setup(tmp_path_factory.mktemp("mlflow"))


def test_backfill_through_a_store_while_a_worker_is_killed(
    two_workers, files, months_in_store, store, tmp_path, registry
):
    address, (first, _) = two_workers
    alone = [
        pipeline.run_month(
            month, settings(source=str(files), rows=None, model="linear"), folder=tmp_path, until="evaluate"
        ).checked()
        for month in MONTHS
    ]
    killed = []

    def kill_once(*_):
        if not killed:
            end(first)
            killed.append(first.returncode)

    about = settings(source=months_in_store, rows=None, model="linear")
    places = {"folder": f"{store}/state", "tracking": registry}
    far = backfill.run(MONTHS, about, **places, scheduler=address, progress=kill_once)
    assert killed == [-9]
    assert far.ok, far.failed
    here, there = contents(storage.at(tmp_path)), contents(storage.at(f"{store}/state"))
    assert len(there) == 7 * len(MONTHS)
    assert there == here
    metrics = [one.outputs["evaluate"].metrics for one in far.months]
    assert metrics == [one.outputs["evaluate"].metrics for one in alone]
    assert backfill.plan(MONTHS, about, **places).todo == []
    assert storage.at(f"{store}/state").read(backfill.LOCK) is None


def test_a_state_in_a_store_knows_what_was_changed_there(months_in_store, store, tmp_path, registry):
    def plan():
        return backfill.plan(MONTHS[:1], settings(source=months_in_store, rows=None), **places)

    def run():
        done = backfill.run(MONTHS[:1], settings(source=months_in_store, rows=None), jobs=1, **places)
        assert done.ok, done.failed
        return done

    places = {"folder": f"{store}/watched", "tracking": registry}
    assert {one.status for one in plan().steps} == {"missing", "follows"}
    run()
    place = storage.at(f"{store}/watched") / MONTHS[0]
    good = place.read("train.parquet")
    place.write("train.parquet", good[:-1] + b"x")
    broken = next(one for one in plan().steps if one.status != "fresh")
    assert (broken.step, broken.status, broken.why) == ("features", "damaged", "train.parquet was changed")
    run()
    assert place.read("train.parquet") == good
    place.remove("model.pkl")
    assert next(one.why for one in plan().steps if one.status == "damaged") == "model.pkl is gone"
    run()
    place.remove("train.json")  # its manifest, which comes last: files without one are no result
    assert next(one for one in plan().steps if one.status != "fresh").why == "never done"
    run()
    frame = pd.read_parquet(trips.fetch(MONTHS[0], source=months_in_store))
    frame.iloc[10:].to_parquet(tmp_path / "new.parquet")
    storage.at(months_in_store).send(tmp_path / "new.parquet", monthfile.name_of(MONTHS[0]))
    assert next(one for one in plan().steps if one.status != "fresh").status == "stale"
    assert run().months[0].outputs["validate"].rows_in == ROWS - 10


def test_score_through_a_store_while_a_worker_is_killed(two_workers, files, months_in_store, store, tmp_path):
    address, (first, _) = two_workers
    rides = cleaning.clean(trips.load(MONTHS[0], source=files), MONTHS[0]).trips
    model = training.fit_model(training.model_wing.build("linear"), rides)[0]
    here = {
        month: done.read()
        for month, done in batch_many.score_here(
            MONTHS, model, 3, tmp_path / "here", source=str(files), bar=lambda _: _nothing()
        )
    }
    there = {}
    target = f"{store}/scored"
    for month, done in batch_many.score_on_cluster(MONTHS, model, 3, target, scheduler=address, source=months_in_store):
        if not there:
            end(first)
        assert not isinstance(done, str), done
        there[month] = done.read()
    assert set(there) == set(MONTHS)
    for month in MONTHS:
        pd.testing.assert_frame_equal(there[month], here[month])
    again = dict(batch_many.score_on_cluster(MONTHS, model, 3, target, scheduler=address, source=months_in_store))
    assert {done.days_scored for done in again.values()} == {0}


def test_train_while_a_worker_is_killed(two_workers, months_in_store, files):
    address, (first, _) = two_workers

    def kill(line):
        if line.startswith("mean is trained"):
            end(first)

    here = training.train(*MONTHS[:2], source=files)
    there = training.train(*MONTHS[:2], source=months_in_store, scheduler=address, progress=kill)
    pd.testing.assert_frame_equal(there.scores, here.scores)
    rides = here.valid_trips
    for name in here.models:
        assert (there.models[name].predict(rides) == here.models[name].predict(rides)).all(), name


def test_train_on_years_while_a_worker_is_killed(two_workers, months_in_store, files, store, tmp_path):
    address, (first, _) = two_workers

    def kill(line):
        if "(1 of 2)" in line:
            end(first)

    here = years.train(MONTHS[:2], MONTHS[2], source=str(files), work=tmp_path / "work", **TREES)
    there = years.train(
        MONTHS[:2], MONTHS[2], source=months_in_store, work=f"{store}/work", scheduler=address, progress=kill, **TREES
    )
    assert first.poll() is not None
    pd.testing.assert_frame_equal(there.scores, here.scores)
    rides = trips.load(MONTHS[2], source=files)
    for name in here.models:
        assert (there.models[name].predict(rides) == here.models[name].predict(rides)).all(), name


def test_a_worker_that_does_not_see_the_files(two_workers, tmp_path, files):
    """Workers run in a folder of their own; here they see the disk, so the folder is hidden by its sign."""
    sign = storage_sign.Sign(storage.at(tmp_path / "mine"), ".sign-of-another")
    with cluster.cluster(two_workers[0]) as client:
        ((_, outcome),) = cluster.answers(client, {"task": (sign.checked, (len, "abc"))})
    assert "doesn't see the folder" in outcome.error
    assert "s3://bucket/folder" in outcome.error
    assert "on the worker tcp://" in outcome.error
    assert files.is_dir()


def test_clear_errors(running, tmp_path, files, monkeypatch):
    nobody = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(cluster.ClusterLost, match=f"No Dask scheduler answers at {nobody}"):
        training.train(*MONTHS[:2], models=["mean"], source=files, scheduler=nobody)
    with pytest.raises(UsageError, match="'here:8786' is no address of a Dask scheduler"):
        years.train(MONTHS[:2], MONTHS[2], source=str(files), work=tmp_path, scheduler="here:8786")
    address = running.scheduler()
    monkeypatch.setattr(cluster.cluster.__wrapped__, "__defaults__", (1, 1.0))
    with pytest.raises(cluster.ClusterLost, match=f"has had no worker for 1 s. Start some: dask worker {address}"):
        list(batch_many.score_on_cluster(MONTHS, None, 1, tmp_path, scheduler=address, source=str(files)))


def test_all_workers_gone_in_the_middle(two_workers):
    address, workers = two_workers
    with cluster.cluster(address) as client:
        tasks = {"quick": (len, ("abc",)), "slow": (time.sleep, (60,)), "slow too": (time.sleep, (60,))}
        told = {}
        for name, outcome in cluster.answers(client, tasks, patience=2.0):
            told[name] = outcome.error or outcome.value
            for worker in workers:
                end(worker)
    assert told["quick"] == 3
    assert told["slow"] == told["slow too"] == "the cluster has had no worker for 2 s; what is done stays done"


def test_other_versions_are_refused(two_workers, monkeypatch, files):
    address, _ = two_workers
    real = cluster_versions.metadata.version
    monkeypatch.setattr(cluster_versions.metadata, "version", lambda name: "1.0" if name == "numpy" else real(name))
    monkeypatch.setattr(cluster_versions, "_own_code", lambda: "another")
    with pytest.raises(cluster_versions.OtherVersions, match=r"other versions: numpy .* \(here 1\.0\), another course"):
        training.train(*MONTHS[:2], models=["mean"], source=files, scheduler=address)


def test_a_worker_without_the_course_is_refused(running, tmp_path):
    address = running.scheduler()
    (tmp_path / "blocked").mkdir()
    blocked = tmp_path / "blocked" / "blocked.py"
    blocked.write_text("import sys\nsys.modules['course_lib'] = None\n", encoding="utf-8")
    running.worker(address, "bare", arguments=("--preload", str(blocked)))
    with pytest.raises(CourseError, match="can't run this course's code"), cluster.cluster(address):
        raise AssertionError


def test_score_and_train_as_they_are_typed(two_workers, files, tmp_path, monkeypatch, capsys, registry):
    from course_lib.cli import main
    from tests.taxi.service.test_server import SaysMinutes

    address, _ = two_workers
    tracking.setup(registry)
    tracking.register(SaysMinutes(10.0), "ten-minutes")

    def course(*arguments):
        monkeypatch.setattr(sys, "argv", ["course", *map(str, arguments), "--scheduler", address, "--json"])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        assert not stop.value.code, said.err
        return json.loads(said.out)

    scored = course(
        "score", "--months", "2021-01:2021-02", "--source", files, "--folder", tmp_path / "scored",
        "--tracking", registry, "--name", "ten-minutes",
    )  # fmt: skip
    assert [one["rows"] for one in scored["months"]] == [ROWS, ROWS]
    trained = course(
        "train", "--train", "2021-01:2021-02", "--valid", "2021-03", "--source", files, "--work", tmp_path / "work"
    )
    assert set(trained["scores"]) == {"streamed", "boosting_on_sample", "mean"}
    assert trained["train"] == ["2021-01", "2021-02"]


def _nothing():
    return contextlib.nullcontext()
