# task: rolling
# loses: 1
# why: the boroughs that were missing are filled in in the table that was given
def rolling(rides, days, min_rides):
    """Error and bias of each borough over the last days, for every day."""
    columns = ["day", "borough", "n", "rmse", "bias"]
    if len(rides) == 0:
        return pd.DataFrame(columns=columns)
    rides["borough"] = rides["borough"].fillna("not known")
    day = rides["pickup"].dt.normalize().to_numpy()
    borough = np.array(["not known" if pd.isna(b) else b for b in rides["borough"]], dtype=object)
    error = rides["minutes"].to_numpy(dtype=float) - rides["duration"].to_numpy(dtype=float)
    rows = []
    for today in pd.date_range(day.min(), day.max()):
        recent = (day <= today.to_datetime64()) & (day > (today - pd.Timedelta(days=days)).to_datetime64())
        for name in sorted(set(borough)):
            here = error[recent & (borough == name)]
            here = here[~np.isnan(here)]
            enough = len(here) >= min_rides
            rows.append(
                (
                    today,
                    name,
                    len(here),
                    math.sqrt((here**2).mean()) if enough else math.nan,
                    here.mean() if enough else math.nan,
                )
            )
    return pd.DataFrame(rows, columns=columns)
