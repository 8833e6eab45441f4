"""Predictions and labels made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd


def predictions(n: int = 6, start: str = "2021-02-01 08:00", every: str = "6h", minutes: float = 10.0) -> pd.DataFrame:
    """``n`` predictions of ``minutes`` for rides from Astoria to JFK, one ``every`` so often."""
    return pd.DataFrame(
        {
            "prediction_id": [f"p{number}" for number in range(n)],
            "PULocationID": 7,
            "DOLocationID": 132,
            "lpep_pickup_datetime": pd.date_range(start, periods=n, freq=every).as_unit("us"),
            "minutes": minutes,
            "model_version": 1,
        }
    )


def arrived(ids, minutes, at=None) -> pd.DataFrame:
    """Labels as they come in."""
    table = pd.DataFrame({"prediction_id": list(ids), "duration": minutes})
    return table if at is None else table.assign(arrived_at=pd.to_datetime(at))


def rides(n: int = 400, seed: int = 0, error: float = 3.0, spread: float = 8.0, every: str = "1h") -> pd.DataFrame:
    """Joined rides: durations around 15 minutes with ``spread``, promises off by ``error`` (standard deviations)."""
    rng = np.random.default_rng(seed)
    duration = 15 + spread * rng.normal(size=n)
    return predictions(n, every=every).assign(duration=duration, minutes=duration + error * rng.normal(size=n))
