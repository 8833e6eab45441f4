# task: error_by
# loses: 1
# why: A mask of all rides on those that count: breaks where labels of the index come twice.

import warnings


def error_by(rides, by, min_rides=100):
    slices = rides[by].fillna("not known")
    good = rides.dropna(subset=["duration", "minutes"])
    rng = np.random.default_rng(0)
    rows = {}
    for name in sorted(slices.unique()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mine = good[slices == name]
        square = ((mine["minutes"] - mine["duration"]) ** 2).to_numpy()
        n = len(square)
        if n < min_rides:
            rows[name] = [n, False, np.nan, np.nan, np.nan]
        else:
            draws = np.sqrt(rng.choice(square, (300, n)).mean(axis=1))
            rows[name] = [n, True, np.sqrt(square.mean()), *np.percentile(draws, [2.5, 97.5])]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["n", "enough", "rmse", "low", "high"])
    return table.sort_values("n", ascending=False, kind="stable")
