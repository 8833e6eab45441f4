# task: plan_backfill
# loses: 1
# why: Gives an empty plan when the months run backwards.


def plan_backfill(first, last, published, records, code):
    plan = {}
    for month in pd.period_range(first, last, freq="M").astype(str):
        record = records.get(month)
        if month not in published:
            plan[month] = "not published"
        elif record is None:
            plan[month] = "missing"
        elif not record["ok"]:
            plan[month] = "failed"
        elif record["data"] == published[month] and record["code"] == code:
            plan[month] = "fresh"
        else:
            plan[month] = "stale"
    return plan
