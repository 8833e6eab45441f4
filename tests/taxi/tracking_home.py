"""What the tests of tracking share: a tracking folder of their own, and small models for it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from course_lib.taxi import tracking, tracking_database

tracking_database.silence()  # before mlflow is imported: tests phone nobody either
import mlflow  # noqa: E402


@contextlib.contextmanager
def tracked_in(folder: Path) -> Iterator[Path]:
    """MLflow points to ``folder``/mlflow, and the empty ``folder``/work is the current folder; both as before after."""
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    workplace, came_from = folder / "work", Path.cwd()
    workplace.mkdir(parents=True)
    os.chdir(workplace)
    try:
        yield tracking.setup(folder / "mlflow")
    finally:
        while mlflow.active_run():
            mlflow.end_run()
        os.chdir(came_from)
        mlflow.set_tracking_uri(before)
        mlflow.set_registry_uri(before)


class Shifted(RegressorMixin, BaseEstimator):
    """Knows every ride's duration and is wrong by ``by`` minutes; fails to fit, or answers nonsense, when told to."""

    def __init__(self, by: float = 0.0, fails: bool = False, answers: float | None = None):
        self.by, self.fails, self.answers = by, fails, answers

    def fit(self, X, y):  # noqa: ARG002
        if self.fails:
            raise ValueError("told to fail")
        self.fitted_ = True
        return self

    def predict(self, X):
        if self.answers is not None:
            return np.full(len(X), self.answers)
        return X["duration"].to_numpy() + self.by


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write anywhere: become nobody for a while, as whom a test can be refused something."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)
