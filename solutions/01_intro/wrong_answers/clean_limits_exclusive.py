# task: clean_trips
# loses: 1
# why: Drops the rides of exactly 1 and exactly 60 minutes.

import pandas as pd


def clean_trips(trips, month):
    reason = pd.Series("kept", index=trips.index)
    reason[trips["duration"] >= 60] = "too long"
    reason[trips["duration"] <= 1] = "too short"
    reason[trips["lpep_pickup_datetime"].dt.strftime("%Y-%m") != month] = "other month"
    reason[trips["duration"].isna()] = "no duration"
    names = ["no duration", "other month", "too short", "too long", "kept"]
    return trips[reason == "kept"], {name: int((reason == name).sum()) for name in names}
