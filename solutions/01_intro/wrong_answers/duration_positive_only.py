# task: duration_minutes
# loses: 1
# why: Judges while it measures: the sign that marks a broken ride is gone.


def duration_minutes(trips):
    elapsed = trips["lpep_dropoff_datetime"] - trips["lpep_pickup_datetime"]
    return (elapsed.dt.total_seconds() / 60).abs()
