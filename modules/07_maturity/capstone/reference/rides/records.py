"""What is written down about every model, and the gate between a candidate and the riders."""

from pathlib import Path

import pandas as pd

from course_lib.taxi import evaluation, tracking
from rides.model import KIND, predict

NAME = "taxi-duration"
TRACKING = Path("state/mlflow")
MARGIN = 0.05  # minutes of RMSE by which a candidate must win
BUDGET_MS = 500.0


def record(model, train: pd.DataFrame, valid: pd.DataFrame, folder: Path = TRACKING) -> dict:
    """Track a run, register its model as challenger, let the gate decide; returns the decision as plain values."""
    tracking.setup(folder)
    scores = evaluation.score(valid["duration"], predict(model, valid))
    with tracking.run(KIND, params={"model": KIND, "random_state": 0}, trips=train, valid=valid) as run:
        run.log_metrics(scores)
        run.log_model(model, example=valid)
    version = tracking.register_run(run.id, NAME, alias="challenger")
    decision = tracking.promote(NAME, version, trips=valid, margin=MARGIN, budget_ms=BUDGET_MS, first=True)
    print(decision)
    return {"version": version, "promoted": decision.promoted, "reasons": list(decision.reasons), "rmse": scores["rmse"]}
