# task: plan_backfill
# loses: 1
# why: Calls a month stale only if data and code have both changed.


def plan_backfill(first, last, published, records, code):
    months = [str(month) for month in pd.period_range(first, last, freq="M")]
    if not months:
        raise ValueError(f"{last} comes before {first}")

    def word(month):
        if month not in published:
            return "not published"
        if month not in records:
            return "missing"
        record = records[month]
        if not record["ok"]:
            return "failed"
        return "stale" if record["data"] != published[month] and record["code"] != code else "fresh"

    return {month: word(month) for month in months}
