# task: score_days
# loses: 1
# why: A file is there, so the day is done: another version or half a file never comes to light.

from pathlib import Path

import numpy as np


def score_days(bookings, predict, version, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scored = []
    days = bookings["lpep_pickup_datetime"].dt.date.astype(str)
    for day in sorted(set(days)):
        part = bookings[days == day].copy()
        path = folder / f"{day}.parquet"
        if path.exists():
            continue
        part["minutes"] = np.asarray(predict(part.copy()))
        part["model_version"] = version
        part.to_parquet(path, index=False)
        scored.append(day)
    return scored
