# task: train
# loses: 1
# why: Sets the shared generator, and so changes the draws of all other code.

import numpy as np
from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    np.random.seed(seed)
    rides = rides.sort_values("ride_id")
    learn = rides.iloc[np.random.permutation(len(rides))[: max(1, len(rides) * 3 // 4)]]
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3)
    return forest.fit(learn[["miles", "hour"]], learn["duration"])
