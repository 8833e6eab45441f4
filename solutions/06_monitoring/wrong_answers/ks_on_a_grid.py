# task: ks
# loses: 1
# why: Looks at a hundred places between the smallest and the largest value, as in a picture.


def ks(reference, current):
    """The Kolmogorov–Smirnov statistic of two columns of numbers, and where the gap is."""
    before, now = (
        np.sort(pd.Series(values, dtype=float).dropna().to_numpy()) for values in (list(reference), list(current))
    )
    if not len(before) or not len(now):
        raise ValueError("two distributions need values on both sides")
    at = np.linspace(min(before[0], now[0]), max(before[-1], now[-1]), 100)
    gaps = np.abs(
        np.searchsorted(before, at, side="right") / len(before) - np.searchsorted(now, at, side="right") / len(now)
    )
    widest = int(np.argmax(gaps))
    return float(gaps[widest]), float(at[widest])
