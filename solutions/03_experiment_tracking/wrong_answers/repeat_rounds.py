# task: repeat_run
# loses: 1
# why: Rounds both numbers and compares: two that are nearly equal may round to different ones.

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
    with mlflow.start_run(tags={"repeats": run_id}):
        mlflow.log_params({"alpha": alpha, "seed": seed})
        rmse = train(rides, float(alpha), int(seed))
        if not math.isnan(rmse):
            mlflow.log_metric("rmse", rmse)
    return "same" if round(rmse, 6) == round(logged, 6) else "different"
