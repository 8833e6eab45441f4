# task: join_labels
# loses: 2
# why: Counts as replaced also labels of rides that nobody asked about.


def join_labels(predictions, labels, now):
    """Each prediction once, with the last label that has arrived; and an account of all rows."""
    rides = (
        predictions.drop_duplicates("prediction_id").drop(columns="duration", errors="ignore").reset_index(drop=True)
    )
    account, left = {"repeated": len(predictions) - len(rides)}, labels
    for reason, holds in (
        ("not_yet", lambda rows: ~(rows["arrived_at"] <= now)),
        ("unusable", lambda rows: ~(rows["duration"] > 0)),
        ("unknown", lambda rows: ~rows["prediction_id"].isin(rides["prediction_id"])),
    ):
        aside = holds(left).astype(bool)
        account[reason], left = int(aside.sum()), left[~aside]
    used = left.sort_values("arrived_at", kind="stable").drop_duplicates("prediction_id", keep="last")
    account["replaced"] = int(labels.duplicated("prediction_id").sum())
    rides["duration"] = rides["prediction_id"].map(used.set_index("prediction_id")["duration"]).astype(float)
    account["labelled"] = int(rides["duration"].notna().sum())
    account["waiting"] = len(rides) - account["labelled"]
    return rides, account
