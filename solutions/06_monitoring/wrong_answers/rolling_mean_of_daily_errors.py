# task: rolling
# loses: 2
# why: Averages the errors of the days, whatever their number of rides.


def rolling(rides, days, min_rides):
    frame = pd.DataFrame({"day": rides["pickup"].dt.normalize(), "borough": rides["borough"].fillna("not known")})
    frame["error"] = rides["minutes"] - rides["duration"]
    rows = []
    for end in pd.date_range(frame["day"].min(), frame["day"].max()) if len(frame) else []:
        inside = frame[(frame["day"] <= end) & (frame["day"] > end - pd.Timedelta(days=days))]
        for name in sorted(frame["borough"].unique()):
            part = inside[inside["borough"] == name].dropna(subset="error")
            daily = part.groupby("day")["error"]
            enough = len(part) >= min_rides
            rmse = float((daily.apply(lambda e: (e**2).mean()).mean()) ** 0.5) if enough else math.nan
            rows.append([end, name, len(part), rmse, daily.mean().mean() if enough else math.nan])
    return pd.DataFrame(rows, columns=["day", "borough", "n", "rmse", "bias"])
