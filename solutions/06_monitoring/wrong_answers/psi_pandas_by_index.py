# task: psi
# loses: 3
# why: Divides Series by their positions: categories that only one side has become NaN and vanish.


def psi(reference, current):
    before = pd.Series(list(reference), dtype=object).value_counts(dropna=False)
    now = pd.Series(list(current), dtype=object).value_counts(dropna=False)
    if not len(before) or not len(now):
        raise ValueError("empty")
    k = len(set(before.index) | set(now.index))
    p = (before + 0.5) / (before.sum() + 0.5 * k)
    q = (now + 0.5) / (now.sum() + 0.5 * k)
    new = now[~now.index.isin(before.index)].sum() / now.sum()
    return {"psi": float(((q - p) * np.log(q / p)).sum()), "new": float(new)}
