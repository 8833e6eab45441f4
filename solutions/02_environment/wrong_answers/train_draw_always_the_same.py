# task: train
# loses: 1
# why: Draws the same rides for every seed; only the forest differs.

from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    rides = rides.sort_values("ride_id")
    learn = rides.sample(max(1, len(rides) * 3 // 4), random_state=0)
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3, random_state=seed)
    return forest.fit(learn[["miles", "hour"]], learn["duration"])
