# task: latency
# loses: 1
# why: Has no answer to an empty log.

import json
import math


def latency(lines):
    counted = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
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
    return {"n": n} | {f"p{p}": counted[math.ceil(p * n / 100) - 1] for p in (50, 95, 99)}
