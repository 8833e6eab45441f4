# task: latency
# loses: 1
# why: Breaks on half a line.

import json
import math


def latency(lines):
    counted = []
    for line in lines:
        entry = json.loads(line)
        if not isinstance(entry, dict) or not {"route", "status", "ms"} <= set(entry):
            continue
        route, status, ms = entry["route"], entry["status"], entry["ms"]
        if route != "/predict":
            continue
        if status is None:
            counted.append(math.inf)
        elif status >= 500:
            counted.append(math.inf)
        elif status == 200:
            counted.append(ms)
    counted.sort()
    n = len(counted)
    if n == 0:
        return {"n": 0, "p50": None, "p95": None, "p99": None}
    return {"n": n} | {f"p{p}": counted[math.ceil(p * n / 100) - 1] for p in (50, 95, 99)}
