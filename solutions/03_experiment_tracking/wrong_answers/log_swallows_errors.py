# task: log_run
# loses: 1
# why: Catches every error, so a broken run looks like a good one.

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
            for step, value in enumerate(values if isinstance(values, list) else [values]):
                try:
                    if not math.isnan(value):
                        mlflow.log_metric(metric, value, step=step)
                except Exception:
                    pass
    return run.info.run_id
