# task: at_the_door
# loses: 1
# why: Looks at the lower limit of the pickup zone only.


def at_the_door(trips, max_bad_share=0.01):
    pickup, dropoff, zones = "lpep_pickup_datetime", "lpep_dropoff_datetime", ["PULocationID", "DOLocationID"]
    missing = [name for name in [pickup, dropoff, *zones, "trip_distance"] if name not in trips]
    if missing:
        raise ValueError(f"columns are missing: {', '.join(missing)}")
    broken = {
        "no pickup time": trips[pickup].isna(),
        "no such zone": ~(trips[zones[0]].between(1, 265) & trips[zones[1]].between(0, 265)),
        "negative distance": trips["trip_distance"] < 0,
        "ends before it begins": trips[dropoff] < trips[pickup],
    }
    rules = list(broken)
    table = pd.DataFrame(broken).to_numpy(bool)
    is_bad = table.any(axis=1)
    if is_bad.sum() > max_bad_share * len(trips):
        counts = ", ".join(f"{rule}: {count}" for rule, count in zip(rules, table.sum(axis=0)) if count)
        raise ValueError(f"{is_bad.sum()} of {len(trips)} rows break the contract ({counts})")
    texts = ["; ".join(rule for rule, hit in zip(rules, row) if hit) for row in table[is_bad]]
    return trips[~is_bad], trips[is_bad].assign(reasons=texts)
