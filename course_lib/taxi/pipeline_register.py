"""The last step: the judged model becomes a version in the registry, once, and the gate decides about the champion.

A registry keeps what it is told, so this step cannot be undone by writing a file again; it is made repeatable by
looking first. The run that logs the model carries a key made of the model's and the rides' hashes, and a version knows
its run: whatever was finished before a crash is found again, and the rest is done. So the same model on the same rides
is one run and one version, however often and after whatever it is asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.taxi import months
from course_lib.taxi import pipeline_files as files
from course_lib.taxi.pipeline_model import load_model
from course_lib.taxi.pipeline_types import Evaluated, Registered, Settings, Tables, Trained

#: Tags of a run that the pipeline logged.
KEY, MONTH, LEARNED_UNTIL = "pipeline.key", "pipeline.month", "pipeline.learned_until"
#: Tags of a version on which the gate has decided.
PROMOTED, REASON = "pipeline.promoted", "pipeline.reason"
# Median time for one ride. A service answers in 5 ms; here months are being trained on the same processors meanwhile.
_BUDGET_MS = 250.0


def register(
    evaluated: Evaluated,
    trained: Trained,
    tables: Tables,
    settings: Settings,
    *,
    tracking: str | os.PathLike[str] | None = None,
) -> Registered:
    """Log the model with its lineage, register it, and let the gate decide whether it becomes champion.

    ``tracking`` is the folder of :func:`tracking.setup`. The version becomes ``challenger``; it takes the champion's
    place if it beats it by ``settings.margin`` minutes of RMSE on this month's evaluation rides, or if there is none. A
    champion that learned from later rides stays, and the version gets no alias: those rides tell the champion how this
    month went, and a model of an older month is no candidate for the next. Raises TrackingError.
    """
    from course_lib.taxi import tracking as registry

    home = registry.setup(tracking)
    with files.alone(home / ".pipeline.lock"):  # from looking to writing, against other state folders' months
        run = _run_of(evaluated, trained, tables, settings)
        version = _version_of(run, settings.model_name)
        promoted, reason = _decision(version, tables, settings)
    return Registered(evaluated.month, settings.model_name, version, promoted, reason)


def _run_of(evaluated: Evaluated, trained: Trained, tables: Tables, settings: Settings) -> str:
    """The id of the run that logged this model, which is logged now if no run has finished doing it."""
    import mlflow

    from course_lib.taxi import tracking as registry

    key = _identity(trained, tables, settings)
    runs = mlflow.search_runs(filter_string=f"tags.`{KEY}` = '{key}'", output_format="list")
    finished = [run for run in runs if run.info.status == "FINISHED"]
    for run in runs:
        if run.info.status == "RUNNING":  # its process was killed
            mlflow.MlflowClient().set_terminated(run.info.run_id, "KILLED")
    if finished:
        return finished[-1].info.run_id
    learned, judged = pd.read_parquet(tables.train.path), pd.read_parquet(tables.evaluation.path)
    tags = {KEY: key, MONTH: evaluated.month, LEARNED_UNTIL: tables.split}
    parameters = {
        "model": settings.model,
        "train": evaluated.month,
        "source": settings.source,
        "train_rows": tables.rows_train,
        "valid_rows": tables.rows_evaluation,
        "learned_until": tables.split,
        "random_state": settings.random_state,
    }
    with registry.run(f"pipeline {evaluated.month}", params=parameters, tags=tags, trips=learned, valid=judged) as run:
        run.log_metrics(evaluated.metrics)
        run.log_metrics({f"mean_{name}": value for name, value in evaluated.baseline.items()})
        run.log_model(load_model(trained), example=judged)
    return run.id


def _identity(trained: Trained, tables: Tables, settings: Settings) -> str:
    parts = (trained.month, settings.model_name, trained.model.sha256, tables.train.sha256, tables.evaluation.sha256)
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _version_of(run: str, name: str) -> int:
    """The version of ``name`` that holds the run's model, made now if there is none."""
    import mlflow

    from course_lib.taxi import tracking as registry

    there = mlflow.MlflowClient().search_model_versions(f"run_id = '{run}'")
    numbers = [int(version.version) for version in there if version.name == name]
    return min(numbers) if numbers else registry.register_run(run, name)


def _decision(version: int, tables: Tables, settings: Settings) -> tuple[bool, str]:
    """Whether the version became champion, and why or why not; decided once, and read from its tags from then on."""
    import mlflow

    from course_lib.taxi import tracking as registry

    client, name = mlflow.MlflowClient(), settings.model_name
    tags = client.get_model_version(name, str(version)).tags
    if REASON in tags:
        return tags.get(PROMOTED) == "true", tags[REASON]
    champion = registry.aliases(name).get("champion")
    if champion == version:  # killed after the alias moved and before that was written down
        promoted, reason = True, "it became champion"
    elif champion is not None and (until := _learned_until(name, champion)) > _learned_until(name, version):
        promoted, reason = False, f"the champion, version {champion}, learned from later rides (until {until})"
    else:
        registry.set_alias(name, "challenger", version)
        rides = pd.read_parquet(tables.evaluation.path)
        gate: Any = registry.promote(
            name,
            challenger=version,
            trips=rides,
            metric="rmse",
            margin=settings.margin,
            budget_ms=_BUDGET_MS,
            first=champion is None,
        )
        promoted = bool(gate)
        if promoted:
            reason = _won(gate) if champion is not None else "there was no champion yet"
        else:
            reason = " ".join(gate.reasons)
    # The reason is what says that it was decided, so it comes last.
    client.set_model_version_tag(name, str(version), PROMOTED, str(promoted).lower())
    client.set_model_version_tag(name, str(version), REASON, reason)
    return promoted, reason


def _won(gate: Any) -> str:
    return f"on the same rides its RMSE is {gate.gain:.2f} minutes less than version {gate.champion}'s"


def _learned_until(name: str, version: int) -> str:
    """The date (ISO) up to which a version's model knows rides; "" when nobody wrote it down."""
    import mlflow

    client = mlflow.MlflowClient()
    data = client.get_run(client.get_model_version(name, str(version)).run_id).data
    if date := data.tags.get(LEARNED_UNTIL):
        return date
    month = data.params.get("train", "")  # `course train` learns from the whole of this month
    return f"{months.parse(month).end:%Y-%m-%d}" if months.is_month(month) else ""


def is_registered(home: Path, registered: Registered) -> bool:
    """Whether the version is still in the registry in the folder ``home``; without loading MLflow, which takes seconds.

    Where the database can't be asked like this (it is another's by now), the answer is yes: nothing is lost by asking
    MLflow when there is something to do.
    """
    database = home / "mlflow.db"
    if not database.is_file():
        return False
    query = "SELECT count(*) FROM model_versions WHERE name = ? AND version = ? AND current_stage != ?"
    row = (registered.name, registered.version, "Deleted_Internal")
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            return bool(connection.execute(query, row).fetchone()[0])
    except sqlite3.Error:
        return True
