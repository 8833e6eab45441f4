# task: reasons_against
# loses: 1
# why: Looks for NaN in the numbers only, so a hash of NaN is another hash.


def reasons_against(champion, challenger, margin, budget_ms):
    def value(record, key):
        found = record.get(key)
        return None if found is None or (key != "data_hash" and found != found) else found

    rmse, data, ms = (value(challenger, key) for key in ("rmse", "data_hash", "ms"))
    reasons = set()
    if rmse is None or data is None or ms is None:
        reasons.add("incomplete")
    if ms is not None and ms > budget_ms:
        reasons.add("too slow")
    if champion is not None:
        old_rmse, old_data = value(champion, "rmse"), value(champion, "data_hash")
        if old_rmse is None or old_data is None:
            reasons.add("incomplete")
        if data is not None and old_data is not None:
            if data != old_data:
                reasons.add("other data")
            elif rmse is not None and old_rmse is not None and old_rmse - rmse < margin:
                reasons.add("not better")
    return reasons
