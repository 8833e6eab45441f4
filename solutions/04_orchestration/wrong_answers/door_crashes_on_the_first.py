# task: at_the_door
# loses: 3
# why: Stops at the first bad row instead of setting it aside.


def at_the_door(trips, max_bad_share=0.01):
    bad = ~trips["PULocationID"].between(1, 265) | ~trips["DOLocationID"].between(1, 265) | (trips["trip_distance"] < 0)
    bad |= trips["lpep_pickup_datetime"].isna() | (trips["lpep_dropoff_datetime"] < trips["lpep_pickup_datetime"])
    if bad.any():
        raise ValueError(f"{bad.sum()} rows break the contract")
    return trips, trips[bad].assign(reasons="")
