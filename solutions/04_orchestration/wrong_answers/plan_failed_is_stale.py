# task: plan_backfill
# loses: 1
# why: Compares hashes of a run that failed, which may have left none.


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
        if (record.get("data"), record.get("code")) != (published[month], code):
            return "stale"
        return "fresh" if record["ok"] else "failed"

    return {month: word(month) for month in months}
