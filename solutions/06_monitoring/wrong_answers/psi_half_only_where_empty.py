# task: psi
# loses: 3
# why: Adds half a ride only to categories that are empty.


def psi(reference, current):
    """The PSI of two columns of categories, and the share of current rides in new ones."""
    sides = []
    for values in (reference, current):
        column = pd.Series(list(values), dtype=object)
        if column.empty:
            raise ValueError("a PSI needs rides on both sides")
        counts = column.value_counts().to_dict()
        if column.isna().any():
            counts[None] = int(column.isna().sum())
        sides.append(counts)
    before, now = sides
    names = set(before) | set(now)

    def share(counts, name):
        return (counts.get(name, 0) or 0.5) / sum(counts.values())

    parts = [
        (share(now, name) - share(before, name)) * math.log(share(now, name) / share(before, name)) for name in names
    ]
    new = sum(count for name, count in now.items() if name not in before) / sum(now.values())
    return {"psi": sum(parts), "new": new}
