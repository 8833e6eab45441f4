# task: repeat_run
# loses: 1
# why: Trains before it opens the new run: a training that fails leaves no trace.

import math

import mlflow


def repeat_run(run_id, rides, train, hash_of):
    run = mlflow.get_run(run_id)
    alpha, seed = run.data.params.get("alpha"), run.data.params.get("seed")
    logged, known_hash = run.data.metrics.get("rmse", math.nan), run.data.tags.get("data_hash")
    if run.info.status != "FINISHED" or None in (alpha, seed, known_hash) or math.isnan(logged):
        return "incomplete"
    if hash_of(rides) != known_hash:
        return "other data"
    rmse = train(rides, float(alpha), int(seed))
    with mlflow.start_run(tags={"repeats": run_id}):
        mlflow.log_params({"alpha": alpha, "seed": seed})
        if not math.isnan(rmse):
            mlflow.log_metric("rmse", rmse)
    return "same" if abs(rmse - logged) <= 1e-6 else "different"
