# task: ks
# loses: 1
# why: Looks at the values of the reference only.


def ks(reference, current):
    """The Kolmogorov–Smirnov statistic of two columns of numbers, and where the gap is."""
    before, now = (
        np.sort(pd.Series(values, dtype=float).dropna().to_numpy()) for values in (list(reference), list(current))
    )
    if not len(before) or not len(now):
        raise ValueError("two distributions need values on both sides")
    at = np.unique(before)
    gaps = np.abs(
        np.searchsorted(before, at, side="right") / len(before) - np.searchsorted(now, at, side="right") / len(now)
    )
    widest = int(np.argmax(gaps))
    return float(gaps[widest]), float(at[widest])
