# task: plan_backfill
# loses: 1
# why: A failed run of other data is called stale.


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
        if not record["ok"] and record.get("data", published[month]) == published[month]:
            return "failed"
        return "fresh" if (record["data"], record["code"]) == (published[month], code) else "stale"

    return {month: word(month) for month in months}
