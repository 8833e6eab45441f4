# task: latency
# loses: 1
# why: Leaves out lines with a further key.


def latency(lines):
    times = []
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if not isinstance(entry, dict) or set(entry) != {"route", "status", "ms"}:
            continue
        if entry["route"] != "/predict":
            continue
        status = entry["status"]
        if status is None or status >= 500:
            times.append(math.inf)
        elif status == 200:
            times.append(entry["ms"])
    times.sort()
    n = len(times)
    if n == 0:
        return {"n": 0, "p50": None, "p95": None, "p99": None}

    def at(p):
        return times[math.ceil(n * p / 100) - 1]

    return {"n": n, "p50": at(50), "p95": at(95), "p99": at(99)}
