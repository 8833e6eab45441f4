# task: split_by_month
# loses: 3
# why: A random split: rides of February train the model that is scored on February.

from sklearn.model_selection import train_test_split


def split_by_month(trips, train, valid):
    month = trips["lpep_pickup_datetime"].dt.strftime("%Y-%m")
    return train_test_split(trips[month.isin([train, valid])], test_size=0.2, random_state=0)
