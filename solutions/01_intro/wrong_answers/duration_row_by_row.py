# task: duration_minutes
# loses: 1
# why: Goes row by row with apply, which for a table without rows gives a table and not a Series.


def duration_minutes(trips):
    def minutes(ride):
        return (ride["lpep_dropoff_datetime"] - ride["lpep_pickup_datetime"]).total_seconds() / 60

    return trips.apply(minutes, axis=1)
