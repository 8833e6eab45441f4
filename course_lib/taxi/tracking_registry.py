"""The registry: models by name, their versions counted, and aliases that say which version does what.

tracking.load("taxi-duration", alias="champion").predict(trips)

An alias is a movable name: a service asks for ``champion`` and gets whatever version the team put there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import tracking_audit, tracking_models, tracking_runs, tracking_store
from course_lib.taxi.tracking_errors import (
    ModelFilesMissing,
    translated,
)
from course_lib.taxi.tracking_lookup import CHAMPION, alias_target, aliases, existing, no_alias
from course_lib.taxi.tracking_store import MODEL_NAME
from course_lib.taxi.tracking_tables import find_run


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
    return tracking_models.store_model(model, example, "model", registered=name)


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
    with tracking_models.quietly(), translated():
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
    number = alias_target(name, alias) if version is None else existing(name, version)
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


def set_alias(
    name: str,
    alias: str,
    version: int,
    *,
    by: str | None = None,
    action: str = tracking_audit.ALIAS_SET,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Point ``alias`` to ``version``, wherever it pointed before, after writing to the audit log that ``by`` does so.

    ``action`` and ``details`` are what the log says beyond that. Raises NotRegistered or NoSuchVersion, and AuditError,
    having moved nothing, when the log can't be written.
    """
    number = existing(name, version)
    with tracking_store.exclusive():
        tracking_audit.move(name, alias, number, action, by=by, details=details)


def remove_alias(name: str, alias: str, *, by: str | None = None) -> None:
    """Take ``alias`` away, and say so in the audit log; the version stays. Raises as :func:`set_alias` does."""
    if alias not in aliases(name):
        raise no_alias(name, alias)
    with tracking_store.exclusive():
        tracking_audit.move(name, alias, None, tracking_audit.ALIAS_REMOVED, by=by)


def delete_version(name: str, version: int) -> None:
    """Take a version out of the registry (its run and files stay). A version that an alias points to is a UsageError.

    Raises NotRegistered or NoSuchVersion.
    """
    number = existing(name, version)
    import mlflow

    with tracking_store.exclusive():
        if held := [alias for alias, target in aliases(name).items() if target == number]:
            raise UsageError(
                f"Version {number} of '{name}' is {' and '.join(held)}: point the alias to another version first."
            )
        with translated():
            mlflow.MlflowClient().delete_model_version(name, str(number))
