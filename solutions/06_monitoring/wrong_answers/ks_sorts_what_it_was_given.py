# task: ks
# loses: 1
# why: Sorts the list of the caller in place.


def ks(reference, current):
    for values in (reference, current):
        if hasattr(values, "sort") and isinstance(values, list):
            values.sort(key=lambda v: (pd.isna(v), v if not pd.isna(v) else 0))
    before = np.sort(pd.Series(list(reference), dtype=float).dropna().to_numpy())
    now = np.sort(pd.Series(list(current), dtype=float).dropna().to_numpy())
    if not len(before) or not len(now):
        raise ValueError("empty")
    at = np.unique(np.concatenate([before, now]))
    gaps = np.abs([(before <= x).mean() - (now <= x).mean() for x in at])
    return float(gaps.max()), float(at[gaps.argmax()])
