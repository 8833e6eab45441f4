"""Runs as tables: all of them, the curves of some, what makes two different, and which one is the best.

table = tracking.runs(where="metrics.rmse < 7")
table.loc[tracking.best(table, tolerance=0.05)]
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import tracking_store
from course_lib.taxi.tracking_errors import NoSuchRun, translated
from course_lib.taxi.tracking_store import MODEL_NAME

#: Metrics that are better when larger; of all others the smaller is better, and of a bias the one nearer to 0.
LARGER_IS_BETTER = ("r2", "within_5")
FACTS = ["name", "parent", "status", "started", "seconds"]
_MOST = 50_000
_PARENT = "mlflow.parentRunId"


def runs(
    experiment: str | None = MODEL_NAME,
    *,
    where: str = "",
    parent: str | None = None,
    status: str | None = None,
    top_level: bool = False,
) -> pd.DataFrame:
    """The runs of an experiment (None: of all), a row each, oldest first; the index is ``run_id``.

    Columns: ``name``, ``parent`` (the id of the run around it, or ""), ``status`` (FINISHED, FAILED, RUNNING, KILLED),
    ``started`` (UTC), ``seconds``; then ``params.…`` (numbers where all that are set are numbers), ``metrics.…`` (the
    last value of each) and ``tags.…`` (MLflow's own left out). ``where`` is MLflow's filter, such as
    ``metrics.rmse < 7 and params.model = 'linear'``; ``parent`` keeps that run's children, ``top_level`` the runs that
    have no parent. Raises NoSuchRun for another experiment, BadRecord for a filter that MLflow can't read.
    """
    tracking_store.connect()
    import mlflow

    with translated():
        there = {found.name: found.experiment_id for found in mlflow.search_experiments()}
        if experiment is not None and experiment not in there:
            raise NoSuchRun(f"There is no experiment '{experiment}'. There are: {', '.join(sorted(there)) or 'none'}.")
        ids = list(there.values()) if experiment is None else [there[experiment]]
        found = mlflow.search_runs(ids, filter_string=where, max_results=_MOST, output_format="list")
    rows = [_row(one) for one in sorted(found, key=lambda one: one.info.start_time)]  # stable: newest came first
    if parent is not None:
        rows = [row for row in rows if row["parent"] == parent]
    if top_level:
        rows = [row for row in rows if not row["parent"]]
    if status is not None:
        rows = [row for row in rows if row["status"] == status.upper()]
    return _table(rows)


def history(run_ids: str | Sequence[str], metric: str) -> pd.DataFrame:
    """Every value that a metric had: columns ``run_id``, ``name`` (of the run), ``step`` and ``value``, by step.

    Raises NoSuchRun for an unknown id, and UsageError when no run recorded such a metric.
    """
    ids = [run_ids] if isinstance(run_ids, str) else list(run_ids)
    rows: list[dict[str, Any]] = []
    for run_id in ids:
        name = find_run(run_id).info.run_name
        points = sorted(_client().get_metric_history(run_id, metric), key=lambda point: (point.step, point.timestamp))
        rows += [{"run_id": run_id, "name": name, "step": point.step, "value": point.value} for point in points]
    if not rows:
        raise UsageError(f"None of these runs recorded a metric '{metric}'.")
    return pd.DataFrame(rows, columns=["run_id", "name", "step", "value"])


def differences(first: str, second: str) -> pd.DataFrame:
    """What two runs don't have in common: a row for each parameter, metric and tag that differs ("" where not set).

    The columns are ``first`` and ``second``.
    """
    left, right = (_everything(find_run(run_id)) for run_id in (first, second))
    names = [name for name in dict.fromkeys([*left, *right]) if left.get(name) != right.get(name)]
    rows = {name: {"first": left.get(name, ""), "second": right.get(name, "")} for name in names}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["first", "second"]).rename_axis("what")


def best(
    table: pd.DataFrame,
    metric: str = "rmse",
    *,
    tolerance: float = 0.0,
    prefer: str | Sequence[str] = (),
) -> Any:
    """The index of the best row of a table of runs: of those within ``tolerance`` of the least error, the preferred.

    ``metric`` is a column, with or without ``metrics.`` before it; ``tolerance`` is in its units (minutes for rmse).
    ``prefer`` names columns of which the smaller is preferred, the first deciding first. What is still tied goes to the
    smaller error, then to the row that comes first. Failed runs and rows without the metric are never chosen.
    Raises UsageError for a column that isn't there or a negative tolerance, NoSuchRun when no row can be chosen.
    """
    if not tolerance >= 0:
        raise UsageError(f"The tolerance must be 0 or more, not {tolerance}.")
    errors = loss(metric, table[_column(table, metric)])
    if "status" in table.columns:
        errors = errors.where(table["status"].isin(["FINISHED", "RUNNING"]))
    if not errors.notna().any():
        raise NoSuchRun(f"No run that finished has the metric '{metric}'.")
    # a hair more than the tolerance: 6.1 and 6.0 do differ by 0.1, whatever their binary fractions say
    near = table.loc[errors <= errors.min() + tolerance + 1e-9].assign(_loss=errors)
    wanted = [_column(table, name) for name in ([prefer] if isinstance(prefer, str) else prefer)]
    return near.sort_values([*wanted, "_loss"], kind="stable", na_position="last").index[0]


def loss(metric: str, values: Any) -> Any:
    """``values`` of a metric as something of which the smaller is better (see LARGER_IS_BETTER)."""
    short = metric.removeprefix("metrics.")
    if short in LARGER_IS_BETTER:
        return -values
    return abs(values) if short == "bias" else values


def find_run(run_id: str) -> Any:
    """MLflow's run of this id. Raises NoSuchRun."""
    tracking_store.connect()
    from mlflow.exceptions import MlflowException

    try:
        return _client().get_run(run_id)
    except MlflowException as error:
        if "not found" in str(error).lower() or "invalid run id" in str(error).lower():
            raise NoSuchRun(f"There is no run '{run_id}'. tracking.runs() lists those that there are.") from error
        with translated():
            raise


def params_of(params: dict[str, str]) -> dict[str, Any]:
    """A run's parameters, which MLflow keeps as texts, as the Python values that they were written from."""
    import ast

    values: dict[str, Any] = dict(params)
    for name, text in params.items():
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            values[name] = ast.literal_eval(text)
    return values


def _client() -> Any:
    import mlflow

    return mlflow.MlflowClient()


def _row(run: Any) -> dict[str, Any]:
    info, data = run.info, run.data
    ended = info.end_time
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "parent": data.tags.get(_PARENT, ""),
        "status": info.status,
        "started": pd.Timestamp(info.start_time, unit="ms", tz="UTC"),
        "seconds": (ended - info.start_time) / 1000 if ended else np.nan,
        **_everything(run),
    }


def _everything(run: Any) -> dict[str, Any]:
    data = run.data
    return {
        **{f"params.{name}": value for name, value in sorted(data.params.items())},
        **{f"metrics.{name}": value for name, value in sorted(data.metrics.items())},
        **{f"tags.{name}": value for name, value in sorted(data.tags.items()) if not name.startswith("mlflow.")},
    }


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    if not rows:
        return pd.DataFrame(columns=FACTS, index=pd.Index([], name="run_id"))
    table = pd.DataFrame(rows).set_index("run_id")
    kinds = ("params.", "metrics.", "tags.")
    ordered = [name for kind in kinds for name in sorted(table.columns) if name.startswith(kind)]
    table = table[[*FACTS, *ordered]]
    for name in ordered:
        if name.startswith("params."):
            table[name] = numbers_of(table[name])
    return table


def numbers_of(texts: pd.Series) -> pd.Series:
    """Texts as numbers where every text that is there is one, else as they are."""
    numbers = pd.to_numeric(texts, errors="coerce")
    return numbers if numbers.notna().equals(texts.notna()) else texts


def _column(table: pd.DataFrame, name: str) -> str:
    for found in (name, f"metrics.{name}", f"params.{name}"):
        if found in table.columns:
            return found
    raise UsageError(f"The table has no column '{name}'. It has: {', '.join(map(str, table.columns))}.")
