"""The service as it is deployed: granian, worker processes, the MLflow registry, a new champion under its feet."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import psutil
import pytest
import requests
from mlflow import MlflowClient
from sklearn.base import BaseEstimator

from course_lib.errors import UsageError
from course_lib.taxi import tracking
from course_lib.taxi.service import rollout, server
from course_lib.taxi.service.registry import MLflowRegistry
from course_lib.taxi.service.running import deployed
from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.store import PredictionStore
from tests.taxi.service.fakes import RIDE
from tests.taxi.service.processes import children, workers, workers_started


class SaysMinutes(BaseEstimator):
    """A model that can be registered without training."""

    def __init__(self, minutes=10.0):
        self.minutes = minutes

    def predict(self, trips):
        return np.full(len(trips), self.minutes)


@pytest.fixture(scope="module")
def mlflow_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    tracking.setup(folder)
    tracking.register(SaysMinutes(10.0))
    tracking.register(SaysMinutes(20.0), alias=None)
    return folder


def until(condition, service, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except requests.RequestException:
            pass
        assert service.process.poll() is None, service.log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s:\n{service.log.read_text()}")


def test_a_new_champion_drops_no_request(mlflow_folder, tmp_path):
    with deployed(mlflow=mlflow_folder, folder=tmp_path) as service:
        address = service.url
        answers, stop = [], threading.Event()

        def ask():
            with requests.Session() as session:
                while not stop.is_set():
                    answers.append(session.post(f"{address}/predict", json=RIDE, timeout=10))

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for client in clients:
            client.start()
        try:
            until(lambda: len(answers) > 20, service)
            tracking.setup(mlflow_folder)
            tracking.set_alias(tracking.MODEL_NAME, "champion", 2)
            until(lambda: answers[-1].json()["model"]["version"] == 2, service)
            tracking.set_alias(tracking.MODEL_NAME, "champion", 1)  # and back
            until(lambda: answers[-1].json()["model"]["version"] == 1, service)
        finally:
            stop.set()
            for client in clients:
                client.join()
        assert {answer.status_code for answer in answers} == {200}
        # never half of each: version and minutes belong together
        assert {(a.json()["model"]["version"], a.json()["minutes"]) for a in answers} == {(1, 10.0), (2, 20.0)}
    store = PredictionStore(f"sqlite:///{(tmp_path / 'predictions.db').as_posix()}")
    late = Spool(tmp_path / "spool", store)  # what the end of the process left on disk
    assert late.flush(), late.problem
    late.close()
    assert store.count() == len(answers)
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="workers are killed by a signal")
def test_a_worker_that_dies_is_replaced(mlflow_folder, tmp_path):
    with deployed(mlflow=mlflow_folder, folder=tmp_path, workers=2) as service:
        address = service.url
        until(lambda: workers_started(service) == 2, service)
        victim = workers(service)[0]
        victim.kill()
        good = []

        def answers():
            try:
                good.append(requests.post(f"{address}/predict", json=RIDE, timeout=5).status_code)
            except requests.RequestException:
                good.clear()
            return len(good) >= 20

        until(answers, service)
        assert set(good) == {200}
        until(lambda: workers_started(service) == 3, service)
        numbers = requests.get(f"{address}/metrics", timeout=5).text
        total = next(line for line in numbers.splitlines() if line.startswith("taxi_predictions_total"))
        assert float(total.split()[-1]) >= 20  # of all workers together


@pytest.mark.skipif(os.name != "posix", reason="the parent is killed by a signal")
def test_workers_end_when_their_parent_is_killed(mlflow_folder, tmp_path):
    with deployed(mlflow=mlflow_folder, folder=tmp_path) as service:
        family = children(service)
        service.process.kill()
        service.process.wait(10)
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []


def test_what_the_registry_says(tmp_path):
    registry = MLflowRegistry(folder=tmp_path)
    assert registry.wanted().champion is None
    tracking.register(SaysMinutes(10.0))
    tracking.register(SaysMinutes(12.0), alias="challenger")
    registry.set_rollout(rollout.Plan("canary", 0.2))
    wanted = registry.wanted()
    assert (wanted.champion, wanted.challenger, str(wanted.rollout)) == (1, 2, "canary 0.2")
    assert registry.load(2).predict([1, 2]).tolist() == [12.0, 12.0]


def test_rolling_back(tmp_path):
    registry = MLflowRegistry(folder=tmp_path)
    with pytest.raises(UsageError, match="nothing to roll back"):
        registry.rollback()
    tracking.register(SaysMinutes(10.0))
    with pytest.raises(UsageError, match="Version 1 of taxi-duration was promoted over no other"):
        registry.rollback()
    tracking.register(SaysMinutes(12.0))
    for tag, value in {"gate": "promoted", "gate.champion": "1"}.items():
        MlflowClient().set_model_version_tag(tracking.MODEL_NAME, "2", tag, value)
    registry.set_rollout(rollout.Plan("shadow"))
    assert registry.rollback() == (2, 1)
    assert registry.wanted().champion == 1
    assert registry.wanted().rollout.mode == "off"


def test_a_port_that_is_taken():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="`course serve --port 0` takes a free port"):
            server.check_port("127.0.0.1", taken.getsockname()[1])
