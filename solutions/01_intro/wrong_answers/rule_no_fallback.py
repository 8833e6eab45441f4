# task: rule_of_thumb
# loses: 1
# why: An hour that history does not know, and a ride without miles, get no answer.


def rule_of_thumb(history, rides):
    usable = history[(history["miles"] > 0) & (history["miles"] <= 100) & (history["duration"] > 0)]
    if len(usable) == 0:
        raise ValueError("no usable rides")
    hour = usable["lpep_pickup_datetime"].dt.hour
    mph = usable.groupby(hour)["miles"].sum() / usable.groupby(hour)["duration"].sum() * 60
    speeds = rides["lpep_pickup_datetime"].dt.hour.map(mph)
    minutes = rides["miles"] / speeds * 60
    return minutes.clip(lower=1).to_numpy()
