# task: ks
# loses: 2
# why: Compares the sorted values one by one, as if both sides had equally many.


def ks(reference, current):
    before = sorted(x for x in reference if not pd.isna(x))
    now = sorted(x for x in current if not pd.isna(x))
    if not before or not now:
        raise ValueError("empty")
    best, at = -1.0, None
    for x in sorted(set(before) | set(now)):
        gap = abs(sum(v <= x for v in before) - sum(v <= x for v in now)) / len(before)
        if gap > best:
            best, at = gap, x
    return best, at
