# task: log_run
# loses: 1
# why: Puts the rows' hashes together by XOR, so that a row that is there twice more cancels itself.

import hashlib
import math

import mlflow
import numpy as np
import pandas as pd


def log_run(name, rides, params, metrics, report):
    with mlflow.start_run(run_name=name) as run:
        rows = np.bitwise_xor.reduce(pd.util.hash_pandas_object(rides, index=False).to_numpy())
        names = repr(list(rides.columns))
        mlflow.set_tag("data_hash", hashlib.sha256(names.encode() + rows.tobytes()).hexdigest())
        mlflow.log_params(params)
        mlflow.log_text(report, "report.txt")
        for metric, values in metrics.items():
            for step, value in enumerate(values if isinstance(values, list) else [values]):
                if value is not None and not math.isnan(value):
                    mlflow.log_metric(metric, value, step=step)
    return run.info.run_id
