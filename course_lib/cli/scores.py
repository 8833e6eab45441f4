"""The scores of models as a table: one for `course train` on one month and on years of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def scores_table(
    scores: pd.DataFrame, seconds: Mapping[str, float], best: str, learned: Mapping[str, int] | None = None
) -> Table:
    """A row for each model of ``scores`` (index names, columns as evaluation gives them), the ``best`` in bold.

    ``seconds`` it took to fit each, ``learned`` the rides that each learned from, where they differ.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    rides = () if learned is None else ("rides",)
    for heading in (*rides, "RMSE (min)", "MAE (min)", "bias (min)", "R²", "within 5 min", "fit (s)"):
        table.add_column(heading, justify="right")
    for name, row in scores.iterrows():
        numbers = [] if learned is None else [f"{learned[name]:,}"]
        numbers += [f"{row['rmse']:.2f}", f"{row['mae']:.2f}", f"{row['bias']:+.2f}", f"{row['r2']:.3f}"]
        numbers += [f"{row['within_5']:.1%}", f"{seconds[name]:.1f}"]
        table.add_row(str(name), *numbers, style="bold" if name == best else None)
    return table
