# task: split_by_month
# loses: 2
# why: Ends the month at midnight before its last day.

import pandas as pd


def split_by_month(trips, train, valid):
    if train >= valid:
        raise ValueError("the training month must come before the validation month")
    pickup = trips["lpep_pickup_datetime"]
    last = {month: pd.Timestamp(month + "-01") + pd.offsets.MonthEnd(0) for month in (train, valid)}
    ended = trips["lpep_dropoff_datetime"] < pd.Timestamp(valid + "-01")
    training, validation = (
        trips[pickup.between(train + "-01", last[train]) & ended],
        trips[pickup.between(valid + "-01", last[valid])],
    )
    if len(training) == 0 or len(validation) == 0:
        raise ValueError("one of the two tables is empty")
    return training, validation
