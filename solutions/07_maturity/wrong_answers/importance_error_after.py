# task: importance
# loses: 2
# why: Returns the error after the shuffle, not its rise.


def importance(predict, rides, groups, repeats=5, random_state=0):
    """How much the RMSE (minutes) rises when the columns of each group are shuffled: mean, least, largest."""
    if len(rides) == 0:
        raise ValueError("there are no rides to shuffle")
    actual = rides["duration"].to_numpy(float)

    def rmse(table):
        return float(np.sqrt(np.mean((np.asarray(predict(table), dtype=float) - actual) ** 2)))

    random, before, rows = np.random.default_rng(random_state), rmse(rides), {}
    for name, columns in groups.items():
        rises = []
        for _ in range(repeats):
            order = random.permutation(len(rides))
            shuffled = rides.copy()
            for column in columns:
                shuffled[column] = rides[column].array[order]
            rises.append(rmse(shuffled))
        rows[name] = {"rise": np.mean(rises), "low": min(rises), "high": max(rises)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["rise", "low", "high"])
    return table.sort_values("rise", ascending=False, kind="stable")
