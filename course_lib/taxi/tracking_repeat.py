"""A logged run, run again: does it give the same numbers, and if not, what else was different?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from course_lib.errors import UsageError
from course_lib.taxi import tracking_runs
from course_lib.taxi.tracking_errors import translated
from course_lib.taxi.tracking_lineage import UNKNOWN, CodeRevision, Lineage
from course_lib.taxi.tracking_tables import find_run, params_of

#: Metrics that end like this are times: they never repeat, and are not compared.
TIMES = ("_seconds", "_ms")
_NOT_RECORDED = "not recorded"
_NOTHING_KNOWN = (UNKNOWN, _NOT_RECORDED)


@dataclass(frozen=True)
class Repeat:
    """What a run gave the second time.

    ``matches``: every metric of the first time came out again, within the tolerance. ``table`` has a row for each
    thing compared (data, code, environment, Python, system, metrics) with the columns ``then``, ``now`` and ``same``.
    ``original`` and ``run_id`` are the ids of the first run and of this one.
    """

    matches: bool
    original: str
    run_id: str
    table: pd.DataFrame = field(repr=False)

    def __str__(self) -> str:
        rows = self.table.loc[~self.table["same"]]
        apart, silent = [], []
        for name, row in rows.iterrows():
            both = f"{name}: {_short(row['then'])} then, {_short(row['now'])} now"
            (silent if _is_unknown(name, row) else apart).append(both)
        head = "The run repeats: every metric is the same." if self.matches else "The run does not repeat."
        parts = [("What differs:", apart), ("What can't be compared:", silent)]
        return "\n".join([head, *(f"{title}\n  " + "\n  ".join(lines) for title, lines in parts if lines)])


def repeat(
    run_id: str,
    again: Callable[..., Mapping[str, float]],
    *,
    trips: pd.DataFrame | None = None,
    valid: pd.DataFrame | None = None,
    tolerance: float = 1e-6,
    tags: Mapping[str, Any] | None = None,
) -> Repeat:
    """Run ``again(**params)`` with the parameters that the run recorded, as a new run, and compare the two.

    ``again`` trains and returns its metrics; ``trips`` and ``valid`` are the data it uses now, whose hashes are held
    against those recorded. Metrics match when they differ by ``tolerance`` at most; one that is missing now does
    not, and times (see TIMES) are left out. Only metrics decide whether the run repeats: other data or another
    environment is told, for it may be the reason. The new run has the tag ``repeats`` with the old one's id.

    Raises NoSuchRun, UsageError when the run recorded no metric that could be compared, and what ``again`` raises.
    """
    first = find_run(run_id)
    wanted = {name: value for name, value in first.data.metrics.items() if not name.endswith(TIMES)}
    if not wanted:
        raise UsageError(f"The run '{first.info.run_name}' recorded no metric that a repetition could be held against.")
    then = lineage_of(run_id)
    marks = {"repeats": run_id, **(tags or {})}
    with tracking_runs.run(
        f"repeat of {first.info.run_name}", params=then.params, trips=trips, valid=valid, tags=marks
    ) as run:
        metrics = dict(again(**then.params))
        run.log_metrics(metrics)
        rows = _origin(then, run.record)
        rows |= {f"metrics.{name}": _pair(value, metrics.get(name), tolerance) for name, value in wanted.items()}
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["then", "now", "same"]).rename_axis("what")
        table["same"] = table["same"].astype(bool)
        matches = bool(table.loc[[name.startswith("metrics.") for name in table.index], "same"].all())
        run.set_tags({"repeats.matches": matches})
        run.log_table("comparison.csv", table)
    return Repeat(matches, run_id, run.id, table)


def lineage_of(run_id: str) -> Lineage:
    """What a run recorded of its data, code, environment and parameters; "unknown" where it recorded nothing.

    A run that was logged without :func:`tracking.run` has only its parameters, read from their texts.
    """
    import mlflow

    run = find_run(run_id)
    with translated():
        names = {file.path for file in mlflow.MlflowClient().list_artifacts(run_id)}
        texts = {
            name: mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{name}")
            for name in (tracking_runs.LINEAGE_FILE, tracking_runs.PACKAGES_FILE)
            if name in names
        }
    packages = dict(
        line.split("==", 1) for line in texts.get(tracking_runs.PACKAGES_FILE, "").splitlines() if "==" in line
    )
    record = texts.get(tracking_runs.LINEAGE_FILE)
    known = Lineage(code=CodeRevision()) if record is None else Lineage.from_json(record, packages)
    return Lineage(**{**vars(known), "params": {**params_of(run.data.params), **known.params}})


def _origin(then: Lineage, now: Lineage) -> dict[str, tuple[Any, Any, bool]]:
    """Rows for data, code and environment: what isn't known on either side is not the same."""
    pairs: dict[str, tuple[Any, Any]] = {
        f"data.{role}": tuple(side.data.get(role, {}).get("hash", _NOT_RECORDED) for side in (then, now))
        for role in sorted({*then.data, *now.data})
    }
    pairs["code"] = (str(then.code), str(now.code))
    for name in ("environment", "python", "system"):
        pairs[name] = (getattr(then, name), getattr(now, name))
    rows = {name: (old, new, old == new and old not in _NOTHING_KNOWN) for name, (old, new) in pairs.items()}
    if then.packages and now.packages:
        for name in sorted({*then.packages, *now.packages}):
            old, new = (side.packages.get(name, "not installed") for side in (then, now))
            if old != new:
                rows[f"package {name}"] = (old, new, False)
    return rows


def _is_unknown(name: str, row: pd.Series) -> bool:
    """A fact that one side doesn't know neither agrees nor differs; a metric that is missing now does differ."""
    return not name.startswith("metrics.") and (row["then"] in _NOTHING_KNOWN or row["now"] in _NOTHING_KNOWN)


def _short(value: Any) -> str:
    """A hash by its first digits, a number by its first six."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value[:12]}…" if len(value) == 64 else value


def _pair(then: float, now: Any, tolerance: float) -> tuple[Any, Any, bool]:
    if now is None:
        return then, _NOT_RECORDED, False
    return then, float(now), math.isclose(then, float(now), rel_tol=0.0, abs_tol=tolerance)
