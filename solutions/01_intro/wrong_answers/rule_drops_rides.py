# task: rule_of_thumb
# loses: 1
# why: Drops the rides without miles, so the answers no longer belong to the riders.


def rule_of_thumb(history, rides):
    usable = history[(history["miles"] > 0) & (history["miles"] <= 100) & (history["duration"] > 0)]
    if len(usable) == 0:
        raise ValueError("no usable rides")
    hour = usable["lpep_pickup_datetime"].dt.hour
    mph = usable.groupby(hour)["miles"].sum() / usable.groupby(hour)["duration"].sum() * 60
    overall = usable["miles"].sum() / usable["duration"].sum() * 60
    rides = rides.dropna(subset=["miles"])
    speeds = rides["lpep_pickup_datetime"].dt.hour.map(mph).fillna(overall)
    minutes = rides["miles"] / speeds * 60
    return minutes.fillna(usable["duration"].mean()).clip(lower=1).to_numpy()
