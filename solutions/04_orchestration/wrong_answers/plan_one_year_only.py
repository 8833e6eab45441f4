# task: plan_backfill
# loses: 1
# why: Counts months up to twelve and never begins a new year.


def plan_backfill(first, last, published, records, code):
    months = [f"{first[:4]}-{number:02}" for number in range(int(first[5:]), int(last[5:]) + 1)]
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
        return "fresh" if (record["data"], record["code"]) == (published[month], code) else "stale"

    return {month: word(month) for month in months}
