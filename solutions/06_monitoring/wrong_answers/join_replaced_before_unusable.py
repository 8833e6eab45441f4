# task: join_labels
# loses: 2
# why: Looks for the newest label first and at its duration after: a broken correction throws away a good label.


def join_labels(predictions, labels, now):
    rides = (
        predictions.drop_duplicates("prediction_id").drop(columns="duration", errors="ignore").reset_index(drop=True)
    )
    account = {"repeated": len(predictions) - len(rides)}
    here = labels[labels["arrived_at"] <= now]
    account["not_yet"] = len(labels) - len(here)
    known = here[here["prediction_id"].isin(rides["prediction_id"])]
    newest = known.sort_values("arrived_at", kind="stable").drop_duplicates("prediction_id", keep="last")
    account["replaced"] = len(known) - len(newest)
    used = newest[newest["duration"] > 0]
    account["unusable"] = len(newest) - len(used)
    account["unknown"] = len(here) - len(known)
    rides["duration"] = rides["prediction_id"].map(used.set_index("prediction_id")["duration"]).astype(float)
    account["labelled"] = int(rides["duration"].notna().sum())
    account["waiting"] = len(rides) - account["labelled"]
    return rides, account
