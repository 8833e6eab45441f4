"""Zones on a map: dots at their centroids, no map files needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_lib.taxi import zones
from course_lib.taxi.evaluation import score
from course_lib.taxi.plot_style import canvas, column, finding, needs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Where the boroughs' names stand clear of the dots (degrees).
_LABELS = {
    "Manhattan": (-74.04, 40.78),
    "Bronx": (-73.79, 40.9),
    "Queens": (-73.72, 40.63),
    "Brooklyn": (-74.07, 40.695),
    "Staten Island": (-74.18, 40.66),
}


def pickup_map(trips: pd.DataFrame) -> Figure:
    """The zones of New York on a map, each as large as its number of pickups."""
    needs(trips, "trips")
    counts = trips["PULocationID"].value_counts()
    placed = counts[_placed(counts.index)]
    needs(placed, "trips from a known zone")
    first, rest = placed.index[:3], len(trips)
    names = _list([zones.zone(int(number)).name for number in first])
    title = f"{placed.iloc[:3].sum() / rest:.0%} of the rides start in {names}"
    return _map(placed, placed, title, "pickups", logarithmic=True)


def error_map(trips: pd.DataFrame, predicted, min_rides: int = 20) -> Figure:
    """The mean absolute error (minutes) by pickup zone, on a map; zones with fewer than ``min_rides`` are left out."""
    actual = column(trips, "duration")
    score(actual, predicted)
    error = pd.Series(np.abs(np.asarray(predicted, np.float64) - actual)).groupby(trips["PULocationID"].to_numpy())
    counts = error.size()
    counts = counts[(counts >= min_rides) & _placed(counts.index)]
    needs(counts, f"zones with at least {min_rides} rides")
    mae = error.mean()[counts.index]
    boroughs = zones.table()["borough"][counts.index]
    rides = counts.groupby(boroughs).sum()
    by_borough = ((mae * counts).groupby(boroughs).sum() / rides)[rides >= rides.sum() / 100]
    worst, best = by_borough.idxmax(), by_borough.idxmin()
    title = f"Rides from {_the(best)} are off by {by_borough[best]:.1f} min"
    if worst != best:
        title += f", from {_the(worst)} by {by_borough[worst]:.1f}"
    return _map(mae, counts, title, "mean absolute error (minutes)")


def _map(values: pd.Series, sizes: pd.Series, title: str, label: str, logarithmic: bool = False) -> Figure:
    """Zones as dots at their centroids: coloured by ``values`` in few steps (readable, and small as PNG)."""
    from matplotlib import colormaps
    from matplotlib.colors import BoundaryNorm
    from matplotlib.ticker import MaxNLocator

    table = zones.table()
    places = table.loc[values.index]
    low, high = values.min(), float(values.max() if logarithmic else np.quantile(values, 0.97))
    if logarithmic:
        steps = np.outer(10.0 ** np.arange(9), (1, 3)).ravel()
        steps = steps[np.searchsorted(steps, low, "right") - 1 : np.searchsorted(steps, high, "right") + 1]
    else:
        steps = MaxNLocator(7).tick_values(low, max(high, low * 1.01 + 1e-9))
    norm = BoundaryNorm(steps, 256, extend="neither" if logarithmic else "max")
    order = sizes.sort_values(ascending=False).index  # small dots on top of large ones
    with canvas(5.6, 4.3, dpi=80) as (figure, (axes,)):
        axes.scatter(table["lon"], table["lat"], s=4, color="#D5D8DD", lw=0)
        dots = axes.scatter(
            *(places.loc[order, name] for name in ("lon", "lat")),
            s=14 + 300 * sizes[order] / sizes.max(),
            c=values[order],
            cmap=colormaps["viridis_r"],
            norm=norm,
            edgecolor="white",
            lw=0.5,
        )
        figure.colorbar(dots, ax=axes, label=label, shrink=0.75, pad=0.02, format="{x:g}")
        for borough, (lon, lat) in _LABELS.items():
            axes.annotate(borough, (lon, lat), ha="center", fontsize=9, style="italic")
        axes.set(xlabel="longitude (degrees)", ylabel="latitude (degrees)", aspect=1 / np.cos(np.radians(40.7)))
        axes.grid(visible=False)
        finding(figure, title)
    return figure


def _placed(numbers: pd.Index) -> np.ndarray:
    """Which zone numbers have a place on the map."""
    return zones.table()["lon"].reindex(numbers).notna().to_numpy()


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _the(borough: str) -> str:
    return "the Bronx" if borough == "Bronx" else borough
