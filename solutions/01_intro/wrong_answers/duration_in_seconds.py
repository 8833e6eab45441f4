# task: duration_minutes
# loses: 2
# why: Forgets to divide: seconds instead of minutes.


def duration_minutes(trips):
    elapsed = trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]
    return elapsed.dt.total_seconds()
