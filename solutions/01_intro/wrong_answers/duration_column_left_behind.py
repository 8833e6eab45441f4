# task: duration_minutes
# loses: 1
# why: Adds a column to the caller's table.


def duration_minutes(trips):
    trips["duration"] = (trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]).dt.total_seconds() / 60
    return trips["duration"]
