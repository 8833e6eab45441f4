# task: best_run
# loses: 1
# why: Takes it for granted that all columns are there.


def best_run(runs):
    counts = runs[(runs["status"] == "FINISHED") & runs["metrics.rmse"].notna()]
    if counts.empty:
        return None
    close = counts[counts["metrics.rmse"] < counts["metrics.rmse"].min() + 0.02]
    return close.sort_values(["metrics.us_per_ride", "start_time"], na_position="last")["run_id"].iloc[0]
