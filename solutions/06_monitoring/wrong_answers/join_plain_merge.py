# task: join_labels
# loses: 1
# why: A left merge: two labels make two rides.


def join_labels(predictions, labels, now):
    rides = predictions.drop_duplicates("prediction_id").drop(columns="duration", errors="ignore")
    here = labels["arrived_at"] <= now
    usable = here & (labels["duration"] > 0)
    known = usable & labels["prediction_id"].isin(rides["prediction_id"])
    used = labels.loc[known, ["prediction_id", "duration"]]
    joined = rides.merge(used, on="prediction_id", how="left").reset_index(drop=True)
    labelled = int(joined["duration"].notna().sum())
    account = {
        "repeated": len(predictions) - len(rides),
        "labelled": labelled,
        "waiting": len(joined) - labelled,
        "not_yet": int((~here).sum()),
        "unusable": int((here & ~usable).sum()),
        "unknown": int((usable & ~known).sum()),
        "replaced": 0,
    }
    return joined, account
