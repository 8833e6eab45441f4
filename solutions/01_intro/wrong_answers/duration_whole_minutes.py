# task: duration_minutes
# loses: 1
# why: Cuts to whole minutes: a ride of 30 seconds takes no time.


def duration_minutes(trips):
    elapsed = trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]
    return elapsed.dt.total_seconds() // 60
