"""What training on years costs, as it was measured: the figures behind the lesson on outgrowing one machine."""

from __future__ import annotations

from importlib import resources

import pandas as pd


def figures() -> pd.DataFrame:
    """A row for each size, by ``rides``: seconds, megabytes and errors, and the processor they were measured on.

    Ten simulated months on disk as parquet, in all so many rides; ``cut_seconds`` to read, clean and cut them,
    ``trees_seconds`` to grow 300 trees on all of them, half a million in memory at a time. Seconds are those of one
    processor, ``peak_mb`` is the most memory of the whole process. ``rmse_all`` and ``rmse_sample`` (minutes) are the
    errors on the eleventh month, of that model and of the usual boosting on ``sample_rides``. Measured by
    ``tests/benchmarks/bench_scale.py --csv``, which adds rows to this table.
    """
    file = resources.files("course_lib.taxi").joinpath("data/scale.csv")
    with file.open(encoding="utf-8") as opened:
        return pd.read_csv(opened).drop_duplicates("rides", keep="last").set_index("rides").sort_index()
