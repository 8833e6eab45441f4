# task: log_run
# loses: 1
# why: Writes the report when the run is over: if that goes wrong, the run looks finished.

import hashlib
import math

import mlflow
import pandas as pd
from mlflow import MlflowClient


def log_run(name, rides, params, metrics, report):
    with mlflow.start_run(run_name=name) as run:
        rows = pd.util.hash_pandas_object(rides, index=False).to_numpy()
        names = repr(list(rides.columns))
        mlflow.set_tag("data_hash", hashlib.sha256(names.encode() + rows.tobytes()).hexdigest())
        mlflow.log_params(params)
        for metric, values in metrics.items():
            for step, value in enumerate(values if isinstance(values, list) else [values]):
                if value is not None and not math.isnan(value):
                    mlflow.log_metric(metric, value, step=step)
    MlflowClient().log_text(run.info.run_id, report, "report.txt")
    return run.info.run_id
