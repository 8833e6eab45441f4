# task: rolling
# loses: 1
# why: Finds no first day when there are no rides.


def rolling(rides, days, min_rides):
    """Error and bias of each borough over the last days, for every day."""
    borough, day = rides["borough"].fillna("not known"), rides["pickup"].dt.normalize()
    error = rides["minutes"] - rides["duration"]
    rows = []
    for end in pd.date_range(day.min(), day.max()):
        inside = (day <= end) & (day > end - pd.Timedelta(days=days))
        for name in sorted(borough.unique()):
            errors = error[inside & (borough == name)].dropna()
            enough = len(errors) >= min_rides
            rmse, bias = (math.sqrt((errors**2).mean()), errors.mean()) if enough else (math.nan, math.nan)
            rows.append([end, name, len(errors), rmse, bias])
    return pd.DataFrame(rows, columns=["day", "borough", "n", "rmse", "bias"])
