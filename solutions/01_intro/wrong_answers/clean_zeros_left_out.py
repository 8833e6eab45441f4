# task: clean_trips
# loses: 1
# why: value_counts() leaves out the reasons that did not occur.

import pandas as pd


def clean_trips(trips, month):
    reason = pd.Series("kept", index=trips.index)
    reason[trips["duration"] > 60] = "too long"
    reason[trips["duration"] < 1] = "too short"
    reason[trips["lpep_pickup_datetime"].dt.strftime("%Y-%m") != month] = "other month"
    reason[trips["duration"].isna()] = "no duration"
    return trips[reason == "kept"], reason.value_counts()
