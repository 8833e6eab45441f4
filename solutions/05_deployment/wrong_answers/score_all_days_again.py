# task: score_days
# loses: 2
# why: Scores everything, always.

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
        pass
        part["minutes"] = np.asarray(predict(part.copy()))
        part["model_version"] = version
        part.to_parquet(path, index=False)
        scored.append(day)
    return scored
