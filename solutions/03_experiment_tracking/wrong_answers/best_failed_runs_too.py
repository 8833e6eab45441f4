# task: best_run
# loses: 2
# why: Lets failed and running runs take part.

import numpy as np


def best_run(runs):
    if "metrics.rmse" not in runs:
        return None
    counts = runs[runs["metrics.rmse"].notna()]
    if counts.empty:
        return None
    close = counts[counts["metrics.rmse"] < counts["metrics.rmse"].min() + 0.02]
    if "metrics.us_per_ride" not in close:
        close = close.assign(**{"metrics.us_per_ride": np.nan})
    return close.sort_values(["metrics.us_per_ride", "start_time"], na_position="last")["run_id"].iloc[0]
