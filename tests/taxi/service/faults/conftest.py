from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from course_lib.taxi import models, tracking
from tests.taxi import samples
from tests.taxi.service.faults.riders import bookings


class Nonsense(BaseEstimator):
    """Loads, and answers no minutes."""

    def predict(self, trips):
        return np.full(len(trips), np.nan)


@dataclass(frozen=True)
class Home:
    """A registry: version 1 (trees, champion) and 2 (linear, trained on rides half as long) are real models, 3 answers
    nonsense. ``minutes[version][ride]`` is what their pipelines say of riders.bookings()."""

    folder: Path
    minutes: dict[int, np.ndarray]

    def champion(self, version: int) -> None:
        """From now on it is this one."""
        tracking.setup(self.folder)
        tracking.set_alias(tracking.MODEL_NAME, "champion", version)

    @property
    def database(self) -> Path:
        """MLflow's file."""
        return self.folder / "mlflow.db"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    rides = samples.rides(400)
    fitted = {
        1: models.build("boosting").fit(rides, rides["duration"]),
        2: models.build("linear").fit(rides, rides["duration"] / 2),
    }
    tracking.setup(folder)
    for version, model in fitted.items():
        tracking.register(model, alias="champion" if version == 1 else None)
    tracking.register(Nonsense(), alias=None)
    _, table = bookings()
    minutes = {version: np.maximum(model.predict(table), 0.0) for version, model in fitted.items()}
    assert np.abs(minutes[1] - minutes[2]).min() > 0.02, "an answer tells which model gave it"
    return Home(folder, minutes)
