"""The registry: models by name, their versions counted, and aliases that say which version does what.

tracking.load("taxi-duration", alias="champion").predict(trips)

An alias is a movable name: a service asks for ``champion`` and gets whatever version the team put there.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import tracking_runs, tracking_store
from course_lib.taxi.tracking_errors import (
    ModelFilesMissing,
    NoSuchAlias,
    NoSuchVersion,
    NotRegistered,
    current_database,
    shown,
    translated,
)
from course_lib.taxi.tracking_store import MODEL_NAME
from course_lib.taxi.tracking_tables import find_run, numbers_of

CHAMPION, CHALLENGER = "champion", "challenger"
_TRAIN = "`course train --register` trains and registers one."


def register(
    model: Any,
    name: str = MODEL_NAME,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    alias: str | None = CHAMPION,
    example: pd.DataFrame | None = None,
    trips: pd.DataFrame | None = None,
    valid: pd.DataFrame | None = None,
) -> int:
    """Log a fitted model with what is known about it, register it as ``name``, and return its version (1, 2, …).

    It goes to the active run, or to a new one that records ``trips`` and ``valid`` as well. ``alias`` then points to
    this version (None: no alias moves; nobody is asked, see :func:`tracking.promote` for that). ``example`` is a few
    trips as the app sends them: they give the signature, and are stored with the model.
    """
    tracking_store.connect()
    import mlflow

    if (active := mlflow.active_run()) is not None:
        run_id = active.info.run_id
        run = tracking_runs.TrackedRun(run_id, active.info.run_name, None, tracking_runs.Lineage())
        info = _log(run, model, name, metrics, params, example)
    else:
        with tracking_runs.run(name, trips=trips, valid=valid) as run:
            info = _log(run, model, name, metrics, params, example)
    number = int(info.registered_model_version)
    if alias:
        set_alias(name, alias, number)
    return number


def _log(run: Any, model: Any, name: str, metrics: Any, params: Any, example: Any) -> Any:
    run.log_params(params)
    run.log_metrics(metrics)
    return tracking_runs.store_model(model, example, "model", registered=name)


def register_run(
    run_id: str, name: str = MODEL_NAME, *, alias: str | None = None, tags: Mapping[str, Any] | None = None
) -> int:
    """Register the model that a run logged (its newest, if several) as ``name``; return its version.

    Raises NoSuchRun, and UsageError for a run that logged no model.
    """
    run = find_run(run_id)
    import mlflow

    models = run.outputs.model_outputs if run.outputs else []
    if not models:
        raise UsageError(f"The run '{run.info.run_name}' logged no model that could be registered.")
    newest = max(models, key=lambda output: output.step or 0)
    with tracking_runs.quietly(), translated():
        made = mlflow.register_model(
            f"models:/{newest.model_id}", name, tags={key: str(value) for key, value in (tags or {}).items()}
        )
    if alias:
        set_alias(name, alias, int(made.version))
    return int(made.version)


def load(name: str = MODEL_NAME, alias: str = CHAMPION, *, version: int | None = None) -> Any:
    """The model that ``alias`` (or ``version``) means, as it was fitted: it has ``predict``.

    Raises NotRegistered, NoSuchAlias or NoSuchVersion, and ModelFilesMissing when only the entry is left.
    """
    number = _alias_target(name, alias) if version is None else _existing(name, version)
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return mlflow.sklearn.load_model(f"models:/{name}/{number}")
    except (OSError, MlflowException) as error:
        with translated():
            source = mlflow.MlflowClient().get_model_version_download_uri(name, str(number))
        raise ModelFilesMissing(
            f"Version {number} of '{name}' is registered, but its files can't be read ({source}): they were moved or "
            "deleted. Point the alias to another version, or train and register it again."
        ) from error


def version(name: str = MODEL_NAME, alias: str = CHAMPION) -> int:
    """The version that ``alias`` points to now. Raises NotRegistered, NoSuchAlias or NoSuchVersion."""
    return _alias_target(name, alias)


def names() -> list[str]:
    """The names of all registered models, sorted."""
    tracking_store.connect()
    import mlflow

    with translated():
        return sorted(model.name for model in mlflow.MlflowClient().search_registered_models())


def aliases(name: str = MODEL_NAME) -> dict[str, int]:
    """The aliases of a model and the versions that they point to. Raises NotRegistered."""
    return {alias: int(number) for alias, number in sorted(_registered(name).aliases.items())}


def set_alias(name: str, alias: str, version: int) -> None:
    """Point ``alias`` to ``version``, wherever it pointed before. Raises NotRegistered or NoSuchVersion."""
    number = _existing(name, version)
    import mlflow

    with tracking_store.exclusive(), translated():
        mlflow.MlflowClient().set_registered_model_alias(name, alias, str(number))


def remove_alias(name: str, alias: str) -> None:
    """Take ``alias`` away; the version stays. Raises NotRegistered or NoSuchAlias."""
    if alias not in aliases(name):
        raise _no_alias(name, alias)
    import mlflow

    with tracking_store.exclusive(), translated():
        mlflow.MlflowClient().delete_registered_model_alias(name, alias)


def delete_version(name: str, version: int) -> None:
    """Take a version out of the registry (its run and files stay). A version that an alias points to is a UsageError.

    Raises NotRegistered or NoSuchVersion.
    """
    number = _existing(name, version)
    import mlflow

    with tracking_store.exclusive():
        if held := [alias for alias, target in aliases(name).items() if target == number]:
            raise UsageError(
                f"Version {number} of '{name}' is {' and '.join(held)}: point the alias to another version first."
            )
        with translated():
            mlflow.MlflowClient().delete_model_version(name, str(number))


def versions(name: str = MODEL_NAME) -> pd.DataFrame:
    """A row for each version, oldest first; the index is ``version``.

    Columns: ``aliases`` (a tuple of names, mostly empty), ``run_id``, ``created`` (UTC), ``params.…`` (numbers where
    all are) and ``metrics.…`` of its run, ``tags.…`` of the version (the gate's decisions). Raises NotRegistered.
    """
    named = aliases(name)
    import mlflow

    with translated():
        found = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    rows = {}
    for one in sorted(found, key=lambda one: int(one.version)):
        rows[int(one.version)] = {
            # what the search itself says about aliases is always empty
            "aliases": tuple(alias for alias, target in named.items() if target == int(one.version)),
            "run_id": one.run_id,
            "created": pd.Timestamp(one.creation_timestamp, unit="ms", tz="UTC"),
            **_of_run(one.run_id),
            **{f"tags.{key}": value for key, value in sorted(one.tags.items())},
        }
    first = ["aliases", "run_id", "created"]
    table = pd.DataFrame(list(rows.values()), index=pd.Index(rows, name="version", dtype="int64"))
    for column in table.columns:
        if column.startswith("params."):
            table[column] = numbers_of(table[column])
    return table if rows else pd.DataFrame(columns=first, index=table.index)


def model_version(name: str, version: int) -> Any:
    """MLflow's entry of a version. Raises NotRegistered or NoSuchVersion."""
    _registered(name)
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return mlflow.MlflowClient().get_model_version(name, str(version))
    except MlflowException as error:
        if "not found" not in str(error).lower() and "integer" not in str(error).lower():
            with translated():
                raise
        raise NoSuchVersion(f"'{name}' has no version {version} (any more). {_list_versions(name)}") from error


def _existing(name: str, version: int) -> int:
    return int(model_version(name, version).version)


def _alias_target(name: str, alias: str) -> int:
    named = aliases(name)
    if alias not in named:
        raise _no_alias(name, alias)
    try:
        return _existing(name, named[alias])
    except NoSuchVersion as error:
        raise NoSuchVersion(
            f"The alias '{alias}' of '{name}' points to version {named[alias]}, which was deleted. "
            f"{_list_versions(name)} Point it to one of them with tracking.set_alias."
        ) from error


def _registered(name: str) -> Any:
    tracking_store.connect()
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return mlflow.MlflowClient().get_registered_model(name)
    except MlflowException as error:
        if getattr(error, "error_code", "") not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            with translated():
                raise
        there = names()
        near = difflib.get_close_matches(str(name), there, n=3)
        if near:
            hint = f"Nearest: {', '.join(near)}."
        else:
            hint = f"There are: {', '.join(there)}." if there else "It is empty."
        raise NotRegistered(
            f"There is no model '{name}' in the registry {shown(current_database())}. {hint} {_TRAIN}"
        ) from error


def _no_alias(name: str, alias: str) -> NoSuchAlias:
    there = ", ".join(f"{other} (version {number})" for other, number in aliases(name).items())
    known = f"It has: {there}." if there else f"It has no alias at all. {_list_versions(name)}"
    return NoSuchAlias(
        f"The model '{name}' has no alias '{alias}'. {known} tracking.set_alias makes an alias point to a version."
    )


def _list_versions(name: str) -> str:
    import mlflow

    with translated():
        found = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    numbers = sorted(int(one.version) for one in found)
    if not numbers:
        return "It has no version at all."
    return f"Its versions: {', '.join(map(str, numbers))}."


def _of_run(run_id: str) -> dict[str, Any]:
    from course_lib.taxi.tracking_errors import NoSuchRun

    try:
        data = find_run(run_id).data
    except NoSuchRun:  # deleted; the model may live on
        return {}
    return {
        **{f"params.{key}": value for key, value in sorted(data.params.items())},
        **{f"metrics.{key}": value for key, value in sorted(data.metrics.items())},
    }
