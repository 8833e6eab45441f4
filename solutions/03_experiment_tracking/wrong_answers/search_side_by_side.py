# task: search
# loses: 2
# why: Opens the attempts one after the other without a parent.

import math

import mlflow


def search(settings, evaluate):
    best_id, best_rmse = None, math.inf
    for setting in settings:
        try:
            with mlflow.start_run(run_name="search") as attempt:
                mlflow.log_param("attempts", len(settings))
                mlflow.log_params(setting)
                rmse = evaluate(**setting)
                if rmse is None or math.isnan(rmse):
                    continue
                mlflow.log_metric("rmse", rmse)
        except Exception:
            continue
        if rmse < best_rmse:
            best_id, best_rmse = attempt.info.run_id, rmse
    return best_id
