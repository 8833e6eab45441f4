# task: train
# loses: 2
# why: Seeds the draw of rides and forgets the forest, which throws dice of its own.

import numpy as np
from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    rides = rides.sort_values("ride_id")
    rows = np.random.default_rng(seed).permutation(len(rides))[: max(1, len(rides) * 3 // 4)]
    learn = rides.iloc[rows]
    return RandomForestRegressor(n_estimators=20, min_samples_leaf=3).fit(learn[["miles", "hour"]], learn["duration"])
