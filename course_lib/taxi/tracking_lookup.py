"""What the registry holds: names, versions and aliases; and what it doesn't, said with the nearest that it does."""

from __future__ import annotations

import difflib
from typing import Any

import pandas as pd

from course_lib.taxi import tracking_store
from course_lib.taxi.tracking_errors import (
    NoSuchAlias,
    NoSuchRun,
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


def version(name: str = MODEL_NAME, alias: str = CHAMPION) -> int:
    """The version that ``alias`` points to now. Raises NotRegistered, NoSuchAlias or NoSuchVersion."""
    return alias_target(name, alias)


def names() -> list[str]:
    """The names of all registered models, sorted."""
    tracking_store.connect()
    import mlflow

    with translated():
        return sorted(model.name for model in mlflow.MlflowClient().search_registered_models())


def aliases(name: str = MODEL_NAME) -> dict[str, int]:
    """The aliases of a model and the versions that they point to. Raises NotRegistered."""
    return {alias: int(number) for alias, number in sorted(_registered(name).aliases.items())}


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


def existing(name: str, version: int) -> int:
    """``version``, if there is one. Raises NotRegistered or NoSuchVersion."""
    return int(model_version(name, version).version)


def alias_target(name: str, alias: str) -> int:
    """The version that ``alias`` points to and that is there. Raises NotRegistered, NoSuchAlias or NoSuchVersion."""
    named = aliases(name)
    if alias not in named:
        raise no_alias(name, alias)
    try:
        return existing(name, named[alias])
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


def no_alias(name: str, alias: str) -> NoSuchAlias:
    """The error for an alias that the model doesn't have, with those that it has."""
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

    try:
        data = find_run(run_id).data
    except NoSuchRun:  # deleted; the model may live on
        return {}
    return {
        **{f"params.{key}": value for key, value in sorted(data.params.items())},
        **{f"metrics.{key}": value for key, value in sorted(data.metrics.items())},
    }
