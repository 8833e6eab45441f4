"""A search over settings: a run for the search, a run inside it for each setting, and a rule for the winner.

found = tracking.search("trees", build, {"max_iter": [50, 100]}, january, valid=february, prefer="max_iter")
found.best, found.why
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import tracking_runs, tracking_store
from course_lib.taxi.evaluation import METRICS, score
from course_lib.taxi.tracking_errors import SearchFailed
from course_lib.taxi.tracking_scoring import latency_ms, time_folds
from course_lib.taxi.tracking_tables import best, loss

Grid = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Fold = tuple[pd.DataFrame, pd.DataFrame]
_MEASURED = (*METRICS, "rmse_spread", "fit_seconds", "predict_ms")


@dataclass(frozen=True)
class Search:
    """What a search found.

    ``table`` has a row for each setting, in the order tried: a column for each thing that was set; evaluation.METRICS
    on the validation trips (means over folds); ``rmse_spread`` (standard deviation over folds, minutes; NaN for one);
    ``fit_seconds`` (a mean), ``predict_ms`` (median of one ride), ``run_id``, ``error`` ("" or why it failed) and
    ``best``. ``best`` is the winner's setting, ``best_run`` its run, ``run_id`` the search's, ``why`` a sentence.
    """

    name: str
    run_id: str
    best: dict[str, Any]
    best_run: str
    why: str
    table: pd.DataFrame = field(repr=False)


def search(
    name: str,
    build: Callable[..., Any] | Any,
    grid: Grid,
    trips: pd.DataFrame,
    *,
    valid: pd.DataFrame | None = None,
    folds: int | None = None,
    iterations: int | None = None,
    metric: str = "rmse",
    tolerance: float = 0.0,
    prefer: str | Sequence[str] = "fit_seconds",
    random_state: int | None = 0,
    tags: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Search:
    """Train and score every setting of ``grid``; log each as a run inside the run ``name``; choose the best.

    ``build`` is called with a setting's values as keywords and returns an unfitted model, or is an estimator that is
    cloned and given them. ``grid`` is scikit-learn's: lists of values by name (all combinations), or a list of such.
    With ``iterations`` only that many are drawn (``random_state``), and a value may be a SciPy distribution. ``trips``
    and ``valid`` are cleaned, with ``duration``. Scores come from ``valid``, or from ``folds`` of :func:`time_folds`.

    The winner: among those within ``tolerance`` of the best ``metric``, the smallest ``prefer`` (a column of the
    table, or several), then the best metric, then the first. The fitting time is never twice the same: prefer something
    like ``max_iter`` where the same winner must come out again.

    A setting that fails leaves a run marked FAILED, and the search goes on. Raises SearchFailed when all failed,
    UsageError for an empty grid, or neither or both of ``valid`` and ``folds``.
    """
    if (valid is None) == (folds is None):
        raise UsageError("A search needs trips to score on: either valid=… (a later month) or folds=… (parts by time).")
    if metric not in METRICS:
        raise UsageError(f"There is no metric '{metric}' to search by. There are: {', '.join(METRICS)}.")
    if not tolerance >= 0:
        raise UsageError(f"The tolerance must be 0 or more, not {tolerance}.")
    settings = _settings(grid, iterations, random_state)
    _check_preferred([prefer] if isinstance(prefer, str) else prefer, settings)
    parts = _parts(trips, valid, folds)
    say = progress or (lambda _line: None)
    tracking_store.connect()
    about = {"search.metric": metric, "search.tolerance": tolerance, "search.settings": len(settings), **(tags or {})}
    with tracking_runs.run(name, trips=trips, valid=valid, params={"folds": folds} if folds else {}, tags=about) as run:
        known = replace(run.record, params={})  # the data is hashed once, not for each setting
        rows = []
        for number, setting in enumerate(settings, start=1):
            rows.append(_try(build, setting, parts, known, clock))
            say(f"{number} of {len(settings)}: {_words(setting)}: {_outcome(rows[-1], metric)}")
        table = pd.DataFrame(rows)
        winner, why = _choose(table, metric, tolerance, prefer)
        table["best"] = table.index == winner
        run.log_metrics({key: table.loc[winner, key] for key in (*METRICS, "fit_seconds", "predict_ms")})
        run.set_tags({"search.best_run": table.loc[winner, "run_id"], "search.why": why})
        run.log_table("settings.csv", table)
    return Search(name, run.id, settings[winner], str(table.loc[winner, "run_id"]), why, table)


def _settings(grid: Grid, iterations: int | None, random_state: int | None) -> list[dict[str, Any]]:
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    grids = grid if isinstance(grid, Mapping) else list(grid)
    try:
        if iterations is None:
            found = list(ParameterGrid(grids))
        else:
            found = list(ParameterSampler(grids, iterations, random_state=random_state))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The grid can't be read: {error} It maps each name to a list of values, as in "
            '{"max_iter": [50, 100]}; distributions need iterations=….'
        ) from error
    if not found:
        raise UsageError("The grid has no setting to try.")
    order = list(dict.fromkeys(name for one in ([grids] if isinstance(grids, Mapping) else grids) for name in one))
    return [dict(sorted(setting.items(), key=lambda item: order.index(item[0]))) for setting in found]


def _check_preferred(prefer: Sequence[str], settings: list[dict[str, Any]]) -> None:
    known = [*dict.fromkeys(name for setting in settings for name in setting), *_MEASURED]
    if wrong := [name for name in prefer if name not in known]:
        raise UsageError(f"There is no column '{wrong[0]}' to prefer settings by. There are: {', '.join(known)}.")


def _parts(trips: pd.DataFrame, valid: pd.DataFrame | None, folds: int | None) -> list[Fold]:
    for frame in (trips, valid):
        if frame is not None and ("duration" not in frame.columns or len(frame) == 0):
            raise UsageError("A search needs cleaned trips with 'duration', as cleaning.clean(trips).trips has them.")
    if valid is not None:
        return [(trips, valid)]
    return [(trips.iloc[train], trips.iloc[scored]) for train, scored in time_folds(trips, folds or 1)]


def _try(
    build: Callable[..., Any] | Any,
    setting: dict[str, Any],
    parts: Iterable[Fold],
    known: Any,
    clock: Callable[[], float],
) -> dict[str, Any]:
    """One setting: its row of the table, and its run."""
    row: dict[str, Any] = {**setting, **dict.fromkeys(_MEASURED, np.nan)}
    tracked = None
    try:
        with tracking_runs.run(_words(setting), params=setting, record=known) as tracked:
            measured = pd.DataFrame([_measure(build, setting, part, clock) for part in parts])
            row |= measured.mean().to_dict() | {"rmse_spread": float(measured["rmse"].std())}
            tracked.log_metrics({key: row[key] for key in measured.columns})
            if len(measured) > 1:
                tracked.log_metrics(rmse_spread=row["rmse_spread"])
                for step, rmse in enumerate(measured["rmse"], start=1):
                    tracked.log_metrics(fold_rmse=rmse, step=step)
    except Exception as error:
        if tracked is None:  # not the setting's fault: the run itself could not be begun
            raise
        return {**row, "run_id": tracked.id, "error": f"{type(error).__name__}: {error}"}
    return {**row, "run_id": tracked.id, "error": ""}


def _measure(build: Any, setting: dict[str, Any], part: Fold, clock: Callable[[], float]) -> dict[str, float]:
    train, scored = part
    model = _model(build, setting)
    start = clock()
    model.fit(train, train["duration"])
    seconds = clock() - start
    measured = score(scored["duration"], model.predict(scored))
    return {**measured, "fit_seconds": seconds, "predict_ms": latency_ms(model, scored, rides=15, clock=clock)}


def _model(build: Any, setting: dict[str, Any]) -> Any:
    if hasattr(build, "set_params") and not isinstance(build, type):
        from sklearn.base import clone

        return clone(build).set_params(**setting)
    return build(**setting)


def _choose(table: pd.DataFrame, metric: str, tolerance: float, prefer: str | Sequence[str]) -> tuple[Any, str]:
    if table[metric].isna().all():
        raise SearchFailed(f"All {len(table)} settings failed; the first with {table['error'].iloc[0]}")
    winner = best(table, metric, tolerance=tolerance, prefer=prefer)
    errors = loss(metric, table[metric])
    near = int((errors <= errors.min() + tolerance + 1e-9).sum())
    value = f"{metric} {table.loc[winner, metric]:.3f}"
    if near == 1:
        return winner, f"the best {metric} of {len(table)} settings ({value})"
    wish = prefer if isinstance(prefer, str) else ", then ".join(prefer)
    rule = f"the one with the smallest {wish}" if wish else "the one with the best " + metric
    return winner, f"of {near} settings within {tolerance:g} of the best {metric}, {rule} ({value})"


def _words(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in setting.items()) or "as it is"


def _outcome(row: Mapping[str, Any], metric: str) -> str:
    return f"failed ({row['error']})" if row["error"] else f"{metric} {row[metric]:.3f}, {row['fit_seconds']:.1f} s"
