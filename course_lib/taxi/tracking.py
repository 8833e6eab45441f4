"""MLflow for the taxi team: one SQLite file, one folder of artifacts, nothing sent anywhere, nothing left around.

tracking.setup()                              # the project's build/mlflow; or a folder of your own
version = tracking.register(model, metrics={"rmse": 6.0}, example=trips.head())
tracking.load().predict(trips)                # the champion
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib import paths
from course_lib.errors import CourseError
from course_lib.taxi.features import BOOKING_COLUMNS

MODEL_NAME = "taxi-duration"

# MLflow would spend seconds on guessing these. Our own classes come with this package.
_REQUIRED = ("scikit-learn", "pandas", "numpy", "threadpoolctl", "cloudpickle")


class NotRegistered(CourseError):
    """No model has this name and alias; the message says where it was looked for and what to do."""


def setup(folder: str | os.PathLike[str] | None = None, experiment: str = MODEL_NAME) -> Path:
    """Point MLflow at ``folder`` (default: the project's ``build/mlflow``), made if need be, and return it.

    Runs, metrics and the registry go to ``mlflow.db`` there (SQLite), models and files under ``artifacts``. The
    experiment becomes the active one. Telemetry is off. The first call on a new folder takes about 2 s.
    Raises CourseError when the folder can't be written to.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # before mlflow is imported, and for its child processes
    os.environ["DO_NOT_TRACK"] = "true"
    import mlflow

    home = Path(folder) if folder is not None else paths.build_dir() / "mlflow"
    home = home.expanduser().resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(f"The tracking folder {home} can't be made: {error.strerror or error}.") from error
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    uri = f"sqlite:///{(home / 'mlflow.db').as_posix()}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    if mlflow.get_experiment_by_name(experiment) is None:
        # without a place of its own an experiment would write to ./mlruns, wherever the notebook runs
        mlflow.create_experiment(experiment, artifact_location=(home / "artifacts" / experiment).as_uri())
    mlflow.set_experiment(experiment)
    return home


def register(
    model: Any,
    name: str = MODEL_NAME,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    alias: str | None = "champion",
    example: pd.DataFrame | None = None,
) -> int:
    """Log a fitted model with what is known about it, register it as ``name``, and return its version (1, 2, …).

    It goes to the active run, or to a new one. ``alias`` then points to this version (None: no alias moves).
    ``example`` is a few trips as the app sends them: they give the signature, and are stored with the model.
    Calls :func:`setup` if nobody has.
    """
    import mlflow

    if not mlflow.is_tracking_uri_set():
        setup()
    run = contextlib.nullcontext() if mlflow.active_run() else mlflow.start_run()
    with _quietly(), run:
        mlflow.log_params(dict(params or {}))
        mlflow.log_metrics({key: float(value) for key, value in (metrics or {}).items()})
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=name,
            pip_requirements=[f"{package}=={metadata.version(package)}" for package in _REQUIRED],
            serialization_format="cloudpickle",  # MLflow's own choice refuses trees
            **_described(model, example),
        )
    if alias:
        mlflow.MlflowClient().set_registered_model_alias(name, alias, info.registered_model_version)
    return int(info.registered_model_version)


def load(name: str = MODEL_NAME, alias: str = "champion") -> Any:
    """The model that ``alias`` points to, as it was fitted: it has ``predict``. Raises NotRegistered."""
    import mlflow

    return mlflow.sklearn.load_model(f"models:/{name}/{version(name, alias)}")


def version(name: str = MODEL_NAME, alias: str = "champion") -> int:
    """The version that ``alias`` points to now. Raises NotRegistered."""
    import mlflow
    from mlflow.exceptions import MlflowException

    if not mlflow.is_tracking_uri_set():
        setup()
    try:
        return int(mlflow.MlflowClient().get_model_version_by_alias(name, alias).version)
    except MlflowException as error:
        raise NotRegistered(
            f"There is no model '{name}' with the alias '{alias}' in {mlflow.get_tracking_uri()}. "
            "`course train --register` trains and registers one."
        ) from error


def _described(model: Any, example: pd.DataFrame | None) -> dict[str, Any]:
    """Signature and input example for log_model, from trips; only the columns known at booking are taken."""
    if example is None:
        return {}
    from mlflow.models import infer_signature

    booked = example[BOOKING_COLUMNS].reset_index(drop=True)
    return {"signature": infer_signature(booked, model.predict(booked)), "input_example": booked}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Spare the reader what MLflow says on stderr of every model: it is a pickle (ours), it got a new version.

    What goes wrong raises an exception all the same.
    """
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
        yield
