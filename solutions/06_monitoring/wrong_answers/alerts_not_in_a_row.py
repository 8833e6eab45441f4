# task: find_alerts
# loses: 3
# why: Counts days above in all, not in a row.


def find_alerts(values, raise_at, clear_at, windows, clear_windows):
    """The alerts of a series of days: since when, raised when, cleared when."""
    if clear_at > raise_at or windows < 1 or clear_windows < 1:
        raise ValueError("the lower threshold clears, and a count is at least 1")
    found, standing, streak = [], False, 0
    for day, value in enumerate(list(values), start=1):
        speaks = False if pd.isna(value) else value < clear_at if standing else value > raise_at
        streak = streak + 1 if speaks else streak
        if standing and streak == clear_windows:
            found[-1]["cleared"] = day
            standing, streak = False, 0
        elif not standing and streak == windows:
            found.append({"since": day - windows + 1, "raised": day, "cleared": None})
            standing, streak = True, 0
    return found
