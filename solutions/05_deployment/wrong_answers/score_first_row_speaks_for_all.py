# task: score_days
# loses: 1
# why: Looks at the version of the first row only.

from pathlib import Path

import numpy as np
import pandas as pd


def score_days(bookings, predict, version, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scored = []
    days = bookings["lpep_pickup_datetime"].dt.date.astype(str)
    for day in sorted(set(days)):
        part = bookings[days == day].copy()
        path = folder / f"{day}.parquet"
        try:
            there = pd.read_parquet(path)
            if len(there) == len(part) and there["model_version"].iloc[0] == version:
                continue
        except Exception:
            pass
        part["minutes"] = np.asarray(predict(part.copy()))
        part["model_version"] = version
        part.to_parquet(path, index=False)
        scored.append(day)
    return scored
