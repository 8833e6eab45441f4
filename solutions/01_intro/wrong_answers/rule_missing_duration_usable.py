# task: rule_of_thumb
# loses: 1
# why: Leaves out durations of 0 or less and forgets the missing ones, whose miles then count without any time.

import pandas as pd


def rule_of_thumb(history, rides):
    bad = (history["miles"] <= 0) | (history["miles"] > 100) | history["miles"].isna() | (history["duration"] <= 0)
    usable = history[~bad]
    if len(usable) == 0:
        raise ValueError("no usable rides")
    sums = usable.groupby(usable["lpep_pickup_datetime"].dt.hour)[["miles", "duration"]].sum()
    speeds = rides["lpep_pickup_datetime"].dt.hour.map(sums["miles"] / sums["duration"])
    speeds = speeds.fillna(usable["miles"].sum() / usable["duration"].sum())
    minutes = pd.to_numeric(rides["miles"] / speeds)
    return minutes.fillna(usable["duration"].mean()).clip(lower=1).to_numpy()
