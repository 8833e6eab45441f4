# task: clean_trips
# loses: 2
# why: Renumbers the kept rows, so nobody can find them in the raw month again.

import pandas as pd


def clean_trips(trips, month):
    reason = pd.Series("kept", index=trips.index)
    reason[trips["duration"] > 60] = "too long"
    reason[trips["duration"] < 1] = "too short"
    reason[trips["lpep_pickup_datetime"].dt.strftime("%Y-%m") != month] = "other month"
    reason[trips["duration"].isna()] = "no duration"
    names = ["no duration", "other month", "too short", "too long", "kept"]
    return trips[reason == "kept"].reset_index(drop=True), {name: int((reason == name).sum()) for name in names}
