# task: score_days
# loses: 2
# why: Gives the minutes an index of their own, so that rows of another index get none.

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
            if len(there) == len(part) and set(there["model_version"]) == {version}:
                continue
        except Exception:
            pass
        part["minutes"] = (
            pd.Series(np.asarray(predict(part.copy())), index=range(len(part))).reindex(part.index).to_numpy()
        )
        part["model_version"] = version
        part.to_parquet(path, index=False)
        scored.append(day)
    return scored
