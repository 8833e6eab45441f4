# task: split_by_month
# loses: 1
# why: Returns an empty table, on which every later step goes on quietly.

import pandas as pd


def split_by_month(trips, train, valid):
    if train >= valid:
        raise ValueError("the training month must come before the validation month")
    month = trips["lpep_pickup_datetime"].dt.strftime("%Y-%m")
    ended = trips["lpep_dropoff_datetime"] < pd.Timestamp(valid + "-01")
    training, validation = trips[(month == train) & ended], trips[month == valid]
    return training, validation
