# task: log_run
# loses: 1
# why: Calls start_run and end_run without a with block: after an error the run stays open.

import hashlib
import math

import mlflow
import pandas as pd


def log_run(name, rides, params, metrics, report):
    run = mlflow.start_run(run_name=name)
    rows = pd.util.hash_pandas_object(rides, index=False).to_numpy()
    mlflow.set_tag("data_hash", hashlib.sha256("|".join(rides.columns).encode() + rows.tobytes()).hexdigest())
    mlflow.log_params(params)
    mlflow.log_text(report, "report.txt")
    for metric, values in metrics.items():
        for step, value in enumerate(values if isinstance(values, list) else [values]):
            if value is not None and not math.isnan(value):
                mlflow.log_metric(metric, value, step=step)
    mlflow.end_run()
    return run.info.run_id
