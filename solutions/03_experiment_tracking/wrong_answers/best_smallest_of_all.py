# task: best_run
# loses: 1
# why: Takes the smallest RMSE of all runs, failed ones included, as the mark, and then looks for finished ones.

import numpy as np


def best_run(runs):
    if "metrics.rmse" not in runs or "status" not in runs:
        return None
    counts = runs[(runs["status"] == "FINISHED") & runs["metrics.rmse"].notna()]
    if counts.empty:
        return None
    close = counts[counts["metrics.rmse"] < runs["metrics.rmse"].min() + 0.02]
    if close.empty:
        return None
    if "metrics.us_per_ride" not in close:
        close = close.assign(**{"metrics.us_per_ride": np.nan})
    return close.sort_values(["metrics.us_per_ride", "start_time"], na_position="last")["run_id"].iloc[0]
