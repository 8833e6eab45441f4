# task: rule_of_thumb
# loses: 1
# why: One speed for the whole day.


def rule_of_thumb(history, rides):
    usable = history[(history["miles"] > 0) & (history["miles"] <= 100) & (history["duration"] > 0)]
    if len(usable) == 0:
        raise ValueError("no usable rides")
    overall = usable["miles"].sum() / usable["duration"].sum() * 60
    speeds = rides["lpep_pickup_datetime"].dt.hour.map(dict.fromkeys(range(24), overall))
    minutes = rides["miles"] / speeds * 60
    return minutes.fillna(usable["duration"].mean()).clip(lower=1).to_numpy()
