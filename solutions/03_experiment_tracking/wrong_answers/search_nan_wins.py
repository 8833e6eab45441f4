# task: search
# loses: 1
# why: Compares with NaN, takes the first attempt as the best so far, and never gets rid of it.


import mlflow


def search(settings, evaluate):
    best_id, best_rmse = None, None
    with mlflow.start_run(run_name="search"):
        mlflow.log_param("attempts", len(settings))
        for setting in settings:
            try:
                with mlflow.start_run(nested=True) as attempt:
                    mlflow.log_params(setting)
                    rmse = evaluate(**setting)
                    if rmse is None:
                        continue
                    mlflow.log_metric("rmse", rmse)
            except Exception:
                continue
            if best_id is None or not rmse >= best_rmse:
                best_id, best_rmse = attempt.info.run_id, rmse
        if best_id:
            mlflow.log_metric("rmse", best_rmse)
            mlflow.set_tag("best_run", best_id)
    return best_id
