# task: log_run
# loses: 2
# why: Logs a list without steps: all its values are at step 0.

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
            for value in values if isinstance(values, list) else [values]:
                if value is not None and not math.isnan(value):
                    mlflow.log_metric(metric, value)
    return run.info.run_id
