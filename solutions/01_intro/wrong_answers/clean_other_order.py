# task: clean_trips
# loses: 1
# why: Tries the length before the month, so a ride of 2009 that is also too long changes its reason.

import pandas as pd


def clean_trips(trips, month):
    reason = pd.Series("kept", index=trips.index)
    reason[trips["lpep_pickup_datetime"].dt.strftime("%Y-%m") != month] = "other month"
    reason[trips["duration"] < 1] = "too short"
    reason[trips["duration"] > 60] = "too long"
    reason[trips["duration"].isna()] = "no duration"
    names = ["no duration", "other month", "too short", "too long", "kept"]
    return trips[reason == "kept"], {name: int((reason == name).sum()) for name in names}
