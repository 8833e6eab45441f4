# task: best_run
# loses: 3
# why: Takes the smallest RMSE and forgets the rule.


def best_run(runs):
    if "metrics.rmse" not in runs:
        return None
    counts = runs[(runs["status"] == "FINISHED") & runs["metrics.rmse"].notna()]
    return None if counts.empty else counts.sort_values("metrics.rmse")["run_id"].iloc[0]
