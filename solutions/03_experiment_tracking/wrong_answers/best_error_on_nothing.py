# task: best_run
# loses: 1
# why: idxmin of an empty column raises instead of answering None.

def best_run(runs):
    counts = runs[(runs["status"] == "FINISHED") & runs["metrics.rmse"].notna()].reset_index(drop=True)
    smallest = counts["metrics.rmse"][counts["metrics.rmse"].idxmin()]
    close = counts[counts["metrics.rmse"] < smallest + 0.02]
    return close.sort_values(["metrics.us_per_ride", "start_time"], na_position="last")["run_id"].iloc[0]
