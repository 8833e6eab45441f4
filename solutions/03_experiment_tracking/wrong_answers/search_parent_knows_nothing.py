# task: search
# loses: 2
# why: Logs the winner nowhere: the parent has no rmse and no tag.

import math

import mlflow


def search(settings, evaluate):
    best_id, best_rmse = None, math.inf
    with mlflow.start_run(run_name="search"):
        mlflow.log_param("attempts", len(settings))
        for setting in settings:
            try:
                with mlflow.start_run(nested=True) as attempt:
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
