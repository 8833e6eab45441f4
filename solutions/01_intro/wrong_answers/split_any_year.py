# task: split_by_month
# loses: 1
# why: Numbers of months without years: December 2020 is not before January 2021.

import pandas as pd


def split_by_month(trips, train, valid):
    first, second = int(train[-2:]), int(valid[-2:])
    if first >= second:
        raise ValueError("the training month must come before the validation month")
    month = trips["lpep_pickup_datetime"].dt.month
    ended = trips["lpep_dropoff_datetime"] < pd.Timestamp(valid + "-01")
    training, validation = trips[(month == first) & ended], trips[month == second]
    if len(training) == 0 or len(validation) == 0:
        raise ValueError("one of the two tables is empty")
    return training, validation
