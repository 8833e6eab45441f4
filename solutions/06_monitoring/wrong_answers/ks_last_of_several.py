# task: ks
# loses: 2
# why: Of several places the largest.


def ks(reference, current):
    """The Kolmogorov–Smirnov statistic of two columns of numbers, and where the gap is."""
    before, now = (
        np.sort(pd.Series(values, dtype=float).dropna().to_numpy()) for values in (list(reference), list(current))
    )
    if not len(before) or not len(now):
        raise ValueError("two distributions need values on both sides")
    at = np.unique(np.concatenate([before, now]))
    gaps = np.abs(
        np.searchsorted(before, at, side="right") / len(before) - np.searchsorted(now, at, side="right") / len(now)
    )
    widest = len(gaps) - 1 - int(np.argmax(gaps[::-1]))
    return float(gaps[widest]), float(at[widest])
