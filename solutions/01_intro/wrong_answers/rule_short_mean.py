# task: rule_of_thumb
# loses: 1
# why: Lifts short answers to 1 minute before it fills in the mean duration, which can be shorter still.


def rule_of_thumb(history, rides):
    usable = history[(history["miles"] > 0) & (history["miles"] <= 100) & (history["duration"] > 0)]
    if len(usable) == 0:
        raise ValueError("no usable rides")
    sums = usable.groupby(usable["lpep_pickup_datetime"].dt.hour)[["miles", "duration"]].sum()
    speeds = rides["lpep_pickup_datetime"].dt.hour.map(sums["miles"] / sums["duration"])
    speeds = speeds.fillna(usable["miles"].sum() / usable["duration"].sum())
    return (rides["miles"] / speeds).clip(lower=1).fillna(usable["duration"].mean()).to_numpy()
