# task: reasons_against
# loses: 2
# why: Returns as soon as it has found a reason.


def reasons_against(champion, challenger, margin, budget_ms):
    def value(record, key):
        found = record.get(key)
        return None if found is None or found != found else found

    if any(value(challenger, key) is None for key in ("rmse", "data_hash", "ms")):
        return {"incomplete"}
    if champion is not None:
        if any(value(champion, key) is None for key in ("rmse", "data_hash")):
            return {"incomplete"}
        if champion["data_hash"] != challenger["data_hash"]:
            return {"other data"}
        if champion["rmse"] - challenger["rmse"] < margin:
            return {"not better"}
    return {"too slow"} if challenger["ms"] > budget_ms else set()
