"""A registry without MLflow, models without training, and a service made of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.errors import CourseError
from course_lib.taxi.service.app import create_app
from course_lib.taxi.service.live import LiveModels, Wanted
from course_lib.taxi.service.spool import Spool
from course_lib.taxi.service.store import PredictionStore

RIDE = {"pickup": 7, "dropoff": 138, "time": "2021-02-03T08:30:00-05:00"}


class Constant:
    """Every ride takes as long."""

    def __init__(self, minutes: float) -> None:
        self.minutes = minutes

    def predict(self, trips: Any) -> np.ndarray:
        return np.full(len(trips), self.minutes)


class Broken:
    """Loads, and fails on every ride from zone 7 to 138; other rides get 5 minutes."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def predict(self, trips: Any) -> np.ndarray:
        if len(trips) == 1:
            raise RuntimeError("no idea")
        return np.full(len(trips), 5.0)


class FakeRegistry:
    """Versions are the entries of ``models``; an entry that is an exception is raised when it is loaded."""

    name = "taxi-duration"

    def __init__(self, models: Mapping[int, Any], wanted: Wanted) -> None:
        self.models, self.now, self.loads = dict(models), wanted, []
        self.down = False

    def wanted(self) -> Wanted:
        if self.down:
            raise CourseError("database is locked")
        return self.now

    def load(self, version: int) -> Any:
        self.loads.append(version)
        if isinstance(self.models[version], Exception):
            raise self.models[version]
        return self.models[version]


class Service:
    """An application for tests, with all that it is made of."""

    def __init__(self, folder: Path, registry: FakeRegistry, store: Any = None) -> None:
        self.registry = registry
        self.store = store or PredictionStore(f"sqlite:///{(folder / 'predictions.db').as_posix()}")
        self.spool = Spool(folder / "spool", self.store)
        self.models = LiveModels(registry)
        self.models.refresh()
        self.app = create_app(self.models, self.spool)
        self.client = self.app.test_client()

    def predict(self, body: Any = RIDE, **options: Any) -> Any:
        return self.client.post("/predict", json=body, **options)

    def stored(self) -> Any:
        assert self.spool.flush(), self.spool.problem
        return self.store.read()

    def number(self, name: str) -> float:
        """One of the numbers of /metrics."""
        lines = self.client.get("/metrics").get_data(as_text=True).splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[-1])


@contextmanager
def service(folder: Path, registry: FakeRegistry, make: Callable = Service) -> Iterator[Service]:
    made = make(folder, registry)
    try:
        yield made
    finally:
        made.spool.close()
        made.store.close()
