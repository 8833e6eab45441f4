# task: plan_backfill
# loses: 1
# why: Looks at the data only: a month that ran with old code counts as fresh.


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
        return "fresh" if record["data"] == published[month] else "stale"

    return {month: word(month) for month in months}
