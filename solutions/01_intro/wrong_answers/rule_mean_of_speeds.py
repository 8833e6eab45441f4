# task: rule_of_thumb
# loses: 1
# why: Averages the speeds of rides: a short odd ride weighs as much as a long one.


def rule_of_thumb(history, rides):
    usable = history[(history["miles"] > 0) & (history["miles"] <= 100) & (history["duration"] > 0)]
    if len(usable) == 0:
        raise ValueError("no usable rides")
    hour = usable["lpep_pickup_datetime"].dt.hour
    mph = (usable["miles"] / usable["duration"] * 60).groupby(hour).mean()
    overall = usable["miles"].sum() / usable["duration"].sum() * 60
    speeds = rides["lpep_pickup_datetime"].dt.hour.map(mph).fillna(overall)
    minutes = rides["miles"] / speeds * 60
    return minutes.fillna(usable["duration"].mean()).clip(lower=1).to_numpy()
