# task: log_run
# loses: 1
# why: Drops the missing values before it counts the steps, so later ones move forward.

import hashlib
import math

import mlflow
import pandas as pd


def log_run(name, rides, params, metrics, report):
    with mlflow.start_run(run_name=name) as run:
        rows = pd.util.hash_pandas_object(rides, index=False).to_numpy()
        digest = hashlib.sha256("|".join(rides.columns).encode() + rows.tobytes()).hexdigest()
        mlflow.set_tag("data_hash", digest)
        mlflow.log_params(params)
        mlflow.log_text(report, "report.txt")
        for metric, values in metrics.items():
            values = values if isinstance(values, list) else [values]
            values = [value for value in values if value is not None and not math.isnan(value)]
            for step, value in enumerate(values):
                mlflow.log_metric(metric, value, step=step)
    return run.info.run_id
