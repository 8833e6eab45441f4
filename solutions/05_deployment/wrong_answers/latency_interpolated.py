# task: latency
# loses: 2
# why: NumPy's percentile puts values in between, and makes NaN next to infinity.

import json
import math

import numpy as np


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
    if n == 0:
        return {"n": 0, "p50": None, "p95": None, "p99": None}
    return {"n": n} | {f"p{p}": float(np.percentile(counted, p)) for p in (50, 95, 99)}
