# task: validate
# loses: 1
# why: Looks at the year in UTC in place of the year as it is written.


def validate(ride):
    if not isinstance(ride, dict):
        return [{"field": "", "reason": "not_an_object"}]
    problems = []
    for field in ride:
        if field not in ("pickup", "dropoff", "time"):
            problems.append({"field": field, "reason": "unknown_field"})
    known = []
    for field in ("pickup", "dropoff"):
        zone = ride.get(field)
        if zone is None:
            problems.append({"field": field, "reason": "missing"})
        elif isinstance(zone, bool) or not isinstance(zone, int):
            problems.append({"field": field, "reason": "not_an_integer"})
        elif not 1 <= zone <= 263:
            problems.append({"field": field, "reason": "unknown_zone"})
        else:
            known.append(zone)
    if len(known) == 2 and known[0] == known[1]:
        problems.append({"field": "dropoff", "reason": "equal_zones"})
    time = ride.get("time")
    if time is None:
        problems.append({"field": "time", "reason": "missing"})
    elif not isinstance(time, str):
        problems.append({"field": "time", "reason": "not_a_time"})
    else:
        try:
            parsed = datetime.fromisoformat(time)
        except ValueError:
            problems.append({"field": "time", "reason": "not_a_time"})
        else:
            if parsed.tzinfo is None:
                problems.append({"field": "time", "reason": "time_without_offset"})
            elif not 2009 <= parsed.astimezone(__import__("datetime").timezone.utc).year <= 2099:
                problems.append({"field": "time", "reason": "time_out_of_range"})
    return problems
