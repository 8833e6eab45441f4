# task: clean_trips
# loses: 1
# why: Asks whether a pickup lies before or after the month; a missing one does neither, and is kept.

import pandas as pd


def clean_trips(trips, month):
    begins = pd.Period(month, freq="M").start_time
    ends = begins + pd.DateOffset(months=1)
    pickup = trips["lpep_pickup_datetime"]
    reason = pd.Series("kept", index=trips.index, dtype=object)
    reason[trips["duration"] > 60] = "too long"
    reason[trips["duration"] < 1] = "too short"
    reason[(pickup < begins) | (pickup >= ends)] = "other month"
    reason[trips["duration"].isna()] = "no duration"
    names = ["no duration", "other month", "too short", "too long", "kept"]
    return trips[reason == "kept"], {name: int((reason == name).sum()) for name in names}
