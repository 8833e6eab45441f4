# task: importance
# loses: 1
# why: The default sort isn't stable: among many equal groups the order is lost.


def importance(predict, rides, groups, repeats=5, random_state=0):
    if len(rides) == 0:
        raise ValueError("no rides")
    rng = np.random.default_rng(random_state)
    y = rides["duration"].to_numpy()
    X = rides.copy()

    def rmse(table):
        return np.sqrt(np.mean((predict(table) - y) ** 2))

    base = rmse(X)
    rows = {}
    for name, columns in groups.items():
        rises = []
        for _i in range(repeats):
            order = rng.permutation(len(X))
            table = X.copy()
            for column in columns:
                table[column] = X[column].array[order]
            rises.append(rmse(table) - base)
        rows[name] = {"rise": np.mean(rises), "low": min(rises), "high": max(rises)}
    table = pd.DataFrame.from_dict(rows, orient="index") if rows else pd.DataFrame(columns=["rise", "low", "high"])
    return table.sort_values("rise", ascending=False)
