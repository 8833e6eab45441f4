"""A fitted model as an artifact of a run: what it takes in and gives out, an example, and the versions it needs."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pandas as pd

from course_lib.taxi.features import BOOKING_COLUMNS
from course_lib.taxi.tracking_errors import BadRecord, translated

# MLflow would spend seconds on guessing these. Our own classes come with this package.
_REQUIRED = ("scikit-learn", "pandas", "numpy", "threadpoolctl", "cloudpickle")


def log_model(model: Any, example: pd.DataFrame | None = None, name: str = "model") -> str:
    """Keep a fitted model in the active run and return its address (``models:/m-…``).

    ``example`` is some trips; of these the booking columns of the first five are kept, and give the signature. Types
    are brought to the contract's first, since who serves a model is strict about them: whole numbers for zones (of any
    width), times of any unit. Takes about 0.1 s.
    """
    return store_model(model, example, name).model_uri


def store_model(model: Any, example: pd.DataFrame | None, name: str, registered: str | None = None) -> Any:
    """MLflow's description of the model just kept; ``registered`` is the name to register it under at once."""
    import mlflow

    with quietly(), translated():
        return mlflow.sklearn.log_model(
            model,
            name=name,
            registered_model_name=registered,
            pip_requirements=[f"{package}=={metadata.version(package)}" for package in _REQUIRED],
            serialization_format="cloudpickle",  # MLflow's own choice refuses trees
            **_described(model, example),
        )


def _described(model: Any, example: pd.DataFrame | None) -> dict[str, Any]:
    """Signature and input example for log_model, from trips; only the columns known at booking are taken."""
    if example is None:
        return {}
    from mlflow.models import infer_signature

    if missing := [column for column in BOOKING_COLUMNS if column not in example.columns]:
        raise BadRecord(f"The example needs the columns that the app sends; missing: {', '.join(missing)}.")
    booked = example[BOOKING_COLUMNS].dropna().head(5).reset_index(drop=True)
    if booked.empty:
        raise BadRecord("The example needs at least one trip with both zones and a pickup time.")
    places, when = BOOKING_COLUMNS[:2], BOOKING_COLUMNS[2]
    booked = booked.astype({**dict.fromkeys(places, "int64"), when: "datetime64[us]"})
    return {"signature": infer_signature(booked, model.predict(booked)), "input_example": booked}


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Spare the reader what MLflow says on stderr of every model: it is a pickle (ours), it got a new version.

    What goes wrong raises an exception all the same.
    """
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
        yield
