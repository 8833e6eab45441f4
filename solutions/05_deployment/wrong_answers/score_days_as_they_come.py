# task: score_days
# loses: 1
# why: Works on the days in the order of the rows.

from pathlib import Path

import numpy as np
import pandas as pd


def score_days(bookings, predict, version, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scored = []
    days = bookings["lpep_pickup_datetime"].dt.date.astype(str)
    for day in days.drop_duplicates():
        part = bookings[days == day].copy()
        path = folder / f"{day}.parquet"
        try:
            there = pd.read_parquet(path)
            if len(there) == len(part) and set(there["model_version"]) == {version}:
                continue
        except Exception:
            pass
        part["minutes"] = np.asarray(predict(part.copy()))
        part["model_version"] = version
        part.to_parquet(path, index=False)
        scored.append(day)
    return scored
