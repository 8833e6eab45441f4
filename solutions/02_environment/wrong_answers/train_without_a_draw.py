# task: train
# loses: 1
# why: Repeatable, because it learns from all rides: the draw that was asked for is gone.

from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    rides = rides.sort_values("ride_id")
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3, random_state=seed)
    return forest.fit(rides[["miles", "hour"]], rides["duration"])
