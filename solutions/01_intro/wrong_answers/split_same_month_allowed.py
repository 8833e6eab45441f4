# task: split_by_month
# loses: 1
# why: Lets a month validate itself.

import pandas as pd


def split_by_month(trips, train, valid):
    if train > valid:
        raise ValueError("the training month must come before the validation month")
    month = trips["lpep_pickup_datetime"].dt.strftime("%Y-%m")
    ended = trips["lpep_dropoff_datetime"] < pd.Timestamp(valid + "-01")
    training, validation = trips[(month == train) & (ended | (train == valid))], trips[month == valid]
    if len(training) == 0 or len(validation) == 0:
        raise ValueError("one of the two tables is empty")
    return training, validation
