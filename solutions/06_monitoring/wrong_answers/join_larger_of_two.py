# task: join_labels
# loses: 1
# why: of two labels of the same moment the larger one is taken, not the one further down
def join_labels(predictions, labels, now):
    """Each prediction once, with the last label that has arrived; and an account of all rows."""
    again = predictions["prediction_id"].duplicated()
    rides = predictions[~again].reset_index(drop=True)
    came = labels.reset_index(drop=True)
    here = came["arrived_at"].notna() & (came["arrived_at"] <= now)
    usable = came["duration"].notna() & (came["duration"] > 0)
    known = came["prediction_id"].notna() & came["prediction_id"].isin(rides["prediction_id"])
    left = came[here & usable & known].sort_values(["arrived_at", "duration"])
    used = left.drop_duplicates("prediction_id", keep="last").set_index("prediction_id")["duration"]
    rides["duration"] = rides["prediction_id"].map(used).astype(float)
    account = {
        "repeated": int(again.sum()),
        "labelled": int(rides["duration"].notna().sum()),
        "waiting": int(rides["duration"].isna().sum()),
        "not_yet": int((~here).sum()),
        "unusable": int((here & ~usable).sum()),
        "unknown": int((here & usable & ~known).sum()),
        "replaced": len(left) - len(used),
    }
    return rides, account
