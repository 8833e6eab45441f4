# task: rule_of_thumb
# loses: 1
# why: Adds a column to the caller's table of rides.


def rule_of_thumb(history, rides):
    usable = history[history["miles"].between(0, 100, inclusive="right") & (history["duration"] > 0)]
    if len(usable) == 0:
        raise ValueError("no usable rides")
    sums = usable.groupby(usable["lpep_pickup_datetime"].dt.hour)[["miles", "duration"]].sum()
    overall = usable["miles"].sum() / usable["duration"].sum()
    rides["hour"] = rides["lpep_pickup_datetime"].dt.hour
    speeds = rides["hour"].map(sums["miles"] / sums["duration"]).fillna(overall)
    return (rides["miles"] / speeds).fillna(usable["duration"].mean()).clip(lower=1)
