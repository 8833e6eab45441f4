# task: clean_trips
# loses: 1
# why: takes every month for one of 31 days, so February ends in March

import numpy as np
import pandas as pd

reasons = ["no duration", "other month", "too short", "too long"]


def clean_trips(trips, month):
    pickup, duration = trips["lpep_pickup_datetime"], trips["duration"]
    start = pd.Timestamp(f"{month}-01")
    other = ~pickup.between(start, start + pd.Timedelta(days=31), inclusive="left")
    faults = [duration.isna(), other, duration < 1, duration > 60]
    reason = pd.Series(np.select(faults, reasons, default="kept"), index=trips.index)
    counts = {name: int((reason == name).sum()) for name in [*reasons, "kept"]}
    return trips[reason == "kept"], counts
