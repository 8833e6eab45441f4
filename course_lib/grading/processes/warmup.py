"""What libraries do at their first use only, done once before processes are forked.

NumPy and pandas load parts of themselves late, compile patterns and fill tables of their own: 50 ms of a short
notebook's time, in the student's process and again in the judge's. Nothing here leaves a trace but that.
"""

from __future__ import annotations

import io
import pickle
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def warm_up_libraries() -> None:
    """Use what is imported a little. A library of another version that objects to something is just less warm."""
    from course_lib.grading import wire
    from course_lib.grading.kernels.first_use import warm_up_mlflow

    wire.decode(wire.encode({"a": [1.5]}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "numpy" in sys.modules:
            _try(_numpy)
        warm_up_mlflow()
        if "pandas" in sys.modules:
            import pandas as pd

            with suppress(Exception):
                table = _table(pd)
                for use in (_look, _choose, _group, _reshape, _carry):
                    _try(lambda use=use: use(pd, table))  # type: ignore[misc]


def _try(use: Callable[[], Any]) -> None:
    with suppress(Exception):
        use()


def _numpy() -> None:
    import numpy as np

    np.random.default_rng(0).normal(size=2)
    np.testing.assert_allclose([1.0, 2.0], [1.0, 2.0])
    np.select([np.array([True, False])], [1.0], 0.0)


def _table(pd: Any) -> Any:
    days = pd.to_datetime(["2021-01-01 10:00", "2021-01-02 11:30", "2021-02-01 12:00"])
    return pd.DataFrame({"n": [1, 2, 2], "x": [0.5, None, 1.0], "text": ["a", "b", "a"], "day": days})


def _look(pd: Any, table: Any) -> None:
    repr(table), table._repr_html_()
    table.describe(), table["x"].median(), table["x"].quantile(0.5), table["text"].value_counts()
    pd.testing.assert_frame_equal(table, table.copy())


def _choose(pd: Any, table: Any) -> None:
    table.loc[table["n"].isin([2]) & table["x"].between(0, 2), ["n", "x"]].sort_values("x").drop_duplicates("n")
    table["x"].where(table["x"] > 0).clip(0, 1).fillna(0.0).astype(int)
    table["text"].map({"a": 1}), table["text"].str.upper(), table.assign(y=table["n"] / 2).isna().sum()
    hours = table["day"].dt
    hours.hour, hours.strftime("%Y-%m"), hours.to_period("M"), (table["day"] - table["day"].shift()).dt.total_seconds()
    pd.Timestamp("2021-01-01") + pd.Timedelta(1, "h") + pd.offsets.MonthEnd(0)


def _group(pd: Any, table: Any) -> None:
    table.groupby("text")["x"].agg(["mean", "count"]), table.groupby(["text", "n"]).size()
    pd.Series([1, 2, 3]).groupby(table["text"]).transform("mean"), table.pivot_table(index="text", values="x")
    table.set_index("day").resample("D").size(), pd.cut(table["n"], [0, 1, 2])


def _reshape(pd: Any, table: Any) -> None:
    table.merge(table, on="n"), pd.concat([table, table], ignore_index=True)
    table.set_index("n").reset_index(), table.reindex([0, 5]), table.apply(lambda row: row["n"], axis=1)


def _carry(pd: Any, table: Any) -> None:
    from course_lib.grading import wire
    from course_lib.grading.processes.arguments import dump

    wire.decode(wire.encode(table)).equals(table)
    pickle.loads(dump(table)[0]), table.to_dict("records")
    pd.read_csv(io.StringIO(table.to_csv()))
