# task: train
# loses: 1
# why: Writes the seed 0 into the function and ignores the one that is passed in.

import numpy as np
from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):  # noqa: ARG001
    rides = rides.sort_values("ride_id")
    rows = np.random.default_rng(0).permutation(len(rides))[: max(1, len(rides) * 3 // 4)]
    learn = rides.iloc[rows]
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3, random_state=0)
    return forest.fit(learn[["miles", "hour"]], learn["duration"])
