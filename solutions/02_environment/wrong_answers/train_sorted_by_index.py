# task: train
# loses: 1
# why: Sorts by the index, which is another one whenever the rides come from elsewhere.

from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    rides = rides.sort_index()
    learn = rides.sample(max(1, len(rides) * 3 // 4), random_state=seed)
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3, random_state=seed)
    return forest.fit(learn[["miles", "hour"]], learn["duration"])
