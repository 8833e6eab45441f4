# task: error_by
# loses: 1
# why: The normal interval without 'not below 0': a huge error makes low NaN.


def error_by(rides, by, min_rides=100):
    flat = pd.DataFrame(
        {
            "slice": rides[by].to_numpy(dtype=object),
            "square": np.square(rides["minutes"].to_numpy(float) - rides["duration"].to_numpy(float)),
        }
    )
    flat["slice"] = flat["slice"].fillna("not known")
    grouped = flat.groupby("slice")["square"]
    n, mse, error = grouped.count(), grouped.mean(), 1.96 * grouped.std(ddof=0) / np.sqrt(grouped.count())
    table = pd.DataFrame(
        {"n": n, "enough": n >= min_rides, "rmse": mse**0.5, "low": (mse - error) ** 0.5, "high": (mse + error) ** 0.5}
    )
    table.loc[~table["enough"].astype(bool), ["rmse", "low", "high"]] = np.nan
    return table.sort_index().sort_values("n", ascending=False, kind="stable")
