# task: find_alerts
# loses: 3
# why: Raises again while one stands.


def find_alerts(values, raise_at, clear_at, windows, clear_windows):
    if clear_at > raise_at or windows < 1 or clear_windows < 1:
        raise ValueError("bad rule")
    found, high, low = [], 0, 0
    for day, value in enumerate(list(values), start=1):
        value = float("nan") if value is None else value
        high = high + 1 if value > raise_at else 0
        low = low + 1 if value < clear_at else 0
        if high == windows:
            found.append({"since": day - windows + 1, "raised": day, "cleared": None})
        if low == clear_windows and found and found[-1]["cleared"] is None:
            found[-1]["cleared"] = day
    return found
