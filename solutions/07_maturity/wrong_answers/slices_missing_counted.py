# task: error_by
# loses: 1
# why: Counts rides without a prediction.


def error_by(rides, by, min_rides=100):
    """n, enough, rmse, low and high (95 %, minutes) for each slice, those with most rides first."""
    table = pd.DataFrame(
        {
            "slice": rides[by].astype(object).where(rides[by].notna(), "not known").to_numpy(),
            "error": (rides["minutes"] - rides["duration"]).to_numpy(float),
        }
    )
    random, rows = np.random.default_rng(0), {}
    for name, part in table.groupby("slice"):
        squared = part["error"].dropna().to_numpy() ** 2
        row = {"n": len(part), "enough": len(squared) >= min_rides, "rmse": np.nan, "low": np.nan, "high": np.nan}
        if row["enough"] and len(squared):
            drawn = [np.sqrt(random.choice(squared, len(squared)).mean()) for _ in range(400)]
            row["low"], row["high"] = np.percentile(drawn, [2.5, 97.5])
            row["rmse"] = np.sqrt(squared.mean())
        rows[name] = row
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["n", "enough", "rmse", "low", "high"])
    return found.sort_index().sort_values("n", ascending=False, kind="stable")
