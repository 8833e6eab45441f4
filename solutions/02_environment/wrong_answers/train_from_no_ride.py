# task: train
# loses: 1
# why: Rounds three quarters of one ride down to none.

from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    rides = rides.sort_values("ride_id")
    learn = rides.sample(len(rides) * 3 // 4, random_state=seed)
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3, random_state=seed)
    return forest.fit(learn[["miles", "hour"]], learn["duration"])
