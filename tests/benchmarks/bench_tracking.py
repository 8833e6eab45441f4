"""How long tracking takes: a new database, a run, and a model logged for the first time and after; prints JSON.

    python tests/benchmarks/bench_tracking.py

Budgets: logging a model after the first takes under 0.2 s (a median), a new database under 0.5 s once one was made.
Both sides of the two choices behind it are measured: a copied database against one that MLflow migrates, and given
requirements against those that MLflow guesses. Times are of a process in which MLflow is imported already.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BUDGETS = {"log_model_seconds": 0.2, "new_database_seconds": 0.5}


def seconds(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(folder: Path) -> dict[str, float]:
    """All figures, in seconds unless their name says otherwise."""
    os.environ |= {"COURSE_DATA_DIR": str(folder / "data"), "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    import mlflow  # noqa: F401  (its import is not our time)

    from course_lib.taxi import models, tracking, trips
    from course_lib.taxi.cleaning import clean

    result = {"first_setup_seconds": seconds(lambda: tracking.setup(folder / "first"))}  # migrates, loads the store
    copied = [seconds(lambda place=place: tracking.setup(folder / place)) for place in ("second", "third", "fourth")]
    result["new_database_seconds"] = statistics.median(copied)
    kept = next((folder / "data" / "mlflow").iterdir())
    migrated = []
    for place in ("fifth", "sixth"):
        kept.unlink()
        migrated.append(seconds(lambda place=place: tracking.setup(folder / place)))
    result["migrated_database_seconds"] = statistics.median(migrated)

    month = clean(trips.load("2021-01", source="simulated"), "2021-01").trips
    small = month.head(5000)
    model = models.build("boosting").fit(small, small["duration"])
    result["hash_month_seconds"] = seconds(lambda: tracking.data_hash(month))
    result["month_rows"] = len(month)
    times: dict[str, list[float]] = {"run": [], "log_model": []}
    for _ in range(12):
        started = time.perf_counter()
        with tracking.run("boosting", params={"max_iter": 250}, trips=month) as run:
            begun = time.perf_counter()
            times["log_model"].append(seconds(lambda run=run: run.log_model(model, example=small)))
            inside = time.perf_counter() - begun
        times["run"].append(time.perf_counter() - started - inside)
    for name, took in times.items():
        result[f"first_{name}_seconds"] = took[0]
        result[f"{name}_seconds"] = statistics.median(took[1:])
    result["log_model_slowest_seconds"] = max(times["log_model"][1:])
    result["guessed_requirements_seconds"] = guessed(model)
    result["ratio_requirements"] = result["guessed_requirements_seconds"] / result["log_model_seconds"]
    result["ratio_database"] = result["migrated_database_seconds"] / result["new_database_seconds"]
    return {name: round(value, 3) for name, value in result.items()}


def guessed(model: object) -> float:
    """The same model logged the way MLflow does when it isn't told what the model needs."""
    import mlflow

    from course_lib.taxi import tracking, tracking_models

    with tracking.run("guessed"), tracking_models.quietly():
        return seconds(lambda: mlflow.sklearn.log_model(model, name="model", serialization_format="cloudpickle"))


def main() -> int:
    """Measure; exit 1 if a budget is exceeded."""
    came_from = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            result = measure(Path(name))
        finally:
            os.chdir(came_from)
    over = [name for name, limit in BUDGETS.items() if result[name] > limit]
    print(json.dumps({"tracking": result, "over_budget": over}, indent=2))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
