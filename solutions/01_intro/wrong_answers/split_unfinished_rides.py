# task: split_by_month
# loses: 1
# why: Trains on rides that were still on the road when the validation month began.


def split_by_month(trips, train, valid):
    if train >= valid:
        raise ValueError("the training month must come before the validation month")
    month = trips["lpep_pickup_datetime"].dt.strftime("%Y-%m")
    training, validation = trips[month == train], trips[month == valid]
    if len(training) == 0 or len(validation) == 0:
        raise ValueError("one of the two tables is empty")
    return training, validation
