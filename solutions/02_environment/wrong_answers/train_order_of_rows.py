# task: train
# loses: 1
# why: Draws positions from rows as they come, so another order is another draw.

import numpy as np
from sklearn.ensemble import RandomForestRegressor


def train(rides, seed):
    rows = np.random.default_rng(seed).permutation(len(rides))[: max(1, len(rides) * 3 // 4)]
    learn = rides.iloc[rows]
    forest = RandomForestRegressor(n_estimators=20, min_samples_leaf=3, random_state=seed)
    return forest.fit(learn[["miles", "hour"]], learn["duration"])
