# task: plan_backfill
# loses: 1
# why: Asks for records first, and so plans months that nobody has published.


def plan_backfill(first, last, published, records, code):
    months = [str(month) for month in pd.period_range(first, last, freq="M")]
    if not months:
        raise ValueError(f"{last} comes before {first}")

    def word(month):
        if month not in records:
            return "missing"
        if month not in published:
            return "not published"
        record = records[month]
        if not record["ok"]:
            return "failed"
        return "fresh" if (record["data"], record["code"]) == (published[month], code) else "stale"

    return {month: word(month) for month in months}
