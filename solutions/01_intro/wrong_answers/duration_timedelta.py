# task: duration_minutes
# loses: 2
# why: Returns time spans, which no model takes.


def duration_minutes(trips):
    return trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]
