# task: train
# loses: 1
# why: Chooses the same rides whatever their order, and hands them to the forest in the order in which they came.

import numpy as np
from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    ids = np.random.default_rng(seed).permutation(sorted(rides["ride_id"]))[: max(1, len(rides) * 3 // 4)]
    learn = rides[rides["ride_id"].isin(ids)]
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3, random_state=seed)
    return forest.fit(learn[["miles", "hour"]], learn["duration"])
