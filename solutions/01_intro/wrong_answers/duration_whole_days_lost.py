# task: duration_minutes
# loses: 1
# why: .dt.seconds holds only the part below a day, and turns negative times into almost a day.


def duration_minutes(trips):
    elapsed = trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]
    return elapsed.dt.seconds / 60
