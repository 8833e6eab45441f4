# task: log_run
# loses: 1
# why: Takes MLflow's own digest, which looks at the first 10,000 rows only.

import math

import mlflow


def log_run(name, rides, params, metrics, report):
    with mlflow.start_run(run_name=name) as run:
        digest = mlflow.data.from_pandas(rides.reset_index(drop=True)).digest
        mlflow.set_tag("data_hash", digest)
        mlflow.log_params(params)
        mlflow.log_text(report, "report.txt")
        for metric, values in metrics.items():
            for step, value in enumerate(values if isinstance(values, list) else [values]):
                if value is not None and not math.isnan(value):
                    mlflow.log_metric(metric, value, step=step)
    return run.info.run_id
