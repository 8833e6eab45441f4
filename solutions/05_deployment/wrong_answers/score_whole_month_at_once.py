# task: score_days
# loses: 2
# why: Predicts the whole table in one call and cuts it up afterwards.

from pathlib import Path

import numpy as np
import pandas as pd


def score_days(bookings, predict, version, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scored = []
    days = bookings["lpep_pickup_datetime"].dt.date.astype(str)
    minutes = np.asarray(predict(bookings)) if len(bookings) else np.array([])
    for day in sorted(set(days)):
        part = bookings[days == day].copy()
        path = folder / f"{day}.parquet"
        try:
            there = pd.read_parquet(path)
            if len(there) == len(part) and set(there["model_version"]) == {version}:
                continue
        except Exception:
            pass
        part["minutes"] = minutes[(days == day).to_numpy()]
        part["model_version"] = version
        part.to_parquet(path, index=False)
        scored.append(day)
    return scored
