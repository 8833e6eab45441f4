# task: clean_trips
# loses: 1
# why: Independent masks: a ride with two faults is counted under both.

import numpy as np


def clean_trips(trips, month):
    faults = {
        "no duration": trips["duration"].isna(),
        "other month": trips["lpep_pickup_datetime"].dt.strftime("%Y-%m") != month,
        "too short": trips["duration"] < 1,
        "too long": trips["duration"] > 60,
    }
    good = ~np.logical_or.reduce(list(faults.values()))
    account = {name: int(mask.sum()) for name, mask in faults.items()}
    return trips[good], {**account, "kept": int(good.sum())}
