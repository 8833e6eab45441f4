"""Pictures of trips, errors and models: one look, colour-blind-safe, small in bytes, the finding in the title.

Every function returns a closed matplotlib Figure: a notebook shows it once when it is a cell's last line, and
``figure.savefig("x.png")`` keeps it. Titles say what these data show; they are computed, not fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_lib.taxi.evaluation import score
from course_lib.taxi.plot_maps import error_map, pickup_map
from course_lib.taxi.plot_style import BLUE, GREY, INK, ORANGE, RED, SKY, canvas, column, finding, needs, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "comparison",
    "durations",
    "error_by_hour",
    "error_map",
    "pickup_map",
    "predicted_vs_actual",
    "save",
    "speed_by_hour",
]


def comparison(table: pd.DataFrame) -> Figure:
    """Bars of RMSE (minutes) and of the share of rides within 5 minutes, from :func:`evaluation.compare`'s table."""
    needs(table, "models")
    names = [_words(name) for name in table.index]
    best = int(np.argmin(table["rmse"]))
    title = f"{_start(names[best])} errs least: RMSE {table['rmse'].iloc[best]:.1f} min"
    if len(table) > 1:
        second = int(np.argsort(table["rmse"].to_numpy())[1])
        title += f" against {table['rmse'].iloc[second]:.1f} min for {names[second]}"
    with canvas(7.6, 0.9 + 0.5 * max(len(table), 3), columns=2) as (figure, (left, right)):
        finding(figure, title)
        colours = [BLUE if row == best else GREY for row in range(len(table))]
        panels = (
            (left, table["rmse"], "RMSE (minutes), shorter is better", "{:.1f}"),
            (right, table["within_5"] * 100, "rides within 5 minutes (%), longer is better", "{:.0f} %"),
        )
        for axes, values, label, form in panels:
            bars = axes.barh(names, values, color=colours, height=0.62)
            axes.bar_label(bars, [form.format(value) for value in values], padding=4)
            axes.set(xlabel=label, xlim=(0, max(values) * 1.16))
            axes.invert_yaxis()
            axes.grid(axis="y", visible=False)
            axes.tick_params(axis="y", length=0)
        right.set_yticklabels([])
    return figure


def predicted_vs_actual(actual, predicted, name: str = "the model") -> Figure:
    """Where predicted minutes fall against actual ones: darker squares hold more rides; the line is perfection."""
    measured = score(actual, predicted)
    actual, predicted = np.asarray(actual, np.float64), np.asarray(predicted, np.float64)
    # round like a person: no rides at all in the corner beyond the longest usual one
    top = max(10.0, np.ceil(np.quantile(np.concatenate([actual, predicted]), 0.999) / 10) * 10)
    late = "too short" if measured["bias"] < 0 else "too long"
    with canvas(5.4, 4.4) as (figure, (axes,)):
        from matplotlib.colors import LogNorm

        edges = np.arange(0, top + 1)  # many meters count whole minutes: other widths would draw stripes
        counts, _, _ = np.histogram2d(actual, predicted, bins=[edges, edges])
        shown = np.ma.masked_equal(counts.T, 0)
        norm = LogNorm(vmin=1, vmax=max(2.0, counts.max()))
        squares = axes.pcolormesh(edges, edges, shown, cmap="Blues", norm=norm)
        axes.plot([0, top], [0, top], color=RED, lw=1.5, label="predicted = actual")
        figure.colorbar(squares, ax=axes, label="rides", pad=0.02, shrink=0.9)
        axes.set(xlabel="actual duration (minutes)", ylabel="predicted duration (minutes)", aspect="equal")
        finding(figure, f"{_start(_words(name))} promises {abs(measured['bias']):.1f} min {late} on average")
        axes.legend(loc="upper left")
    return figure


def durations(trips: pd.DataFrame) -> Figure:
    """How long rides take: a histogram of ``duration`` (minutes, cleaned trips) with its middle half marked."""
    minutes = column(trips, "duration")
    low, middle, high, long = np.quantile(minutes, [0.25, 0.5, 0.75, 0.9])
    with canvas() as (figure, (axes,)):
        edges = np.arange(0, np.ceil(minutes.max()) + 1)
        counts, _ = np.histogram(minutes, bins=edges)
        inside = (edges[:-1] >= np.floor(low)) & (edges[:-1] < np.ceil(high))
        axes.bar(edges[:-1], counts, 1, align="edge", color=np.where(inside, BLUE, SKY), edgecolor="white", lw=0.4)
        axes.axvline(middle, color=INK, lw=1.2)
        axes.annotate(
            f"median {middle:.1f} min", (middle, axes.get_ylim()[1]), (6, -4), va="top", textcoords="offset points"
        )
        finding(figure, f"Half of all rides take {low:.0f} to {high:.0f} minutes; 1 in 10 takes over {long:.0f}")
        axes.set(xlabel="duration (minutes)", ylabel="rides per minute of duration", xlim=(0, edges[-1]))
        axes.grid(axis="x", visible=False)
    return figure


def speed_by_hour(trips: pd.DataFrame) -> Figure:
    """Median speed (mph, metered distance over time) by hour of pickup, on weekdays and at weekends.

    Rides without a sensible distance (0, or over 60 miles) are left out; the band holds the middle half of all rides.
    """
    miles, minutes = column(trips, "trip_distance"), column(trips, "duration")
    times = trips["lpep_pickup_datetime"].dt
    sensible = (miles > 0) & (miles <= 60) & (minutes > 0)
    mph = pd.Series(np.where(sensible, miles / np.where(minutes > 0, minutes, 1) * 60, np.nan))
    hour, weekend = times.hour.to_numpy(), times.weekday.to_numpy() >= 5
    by_hour = mph.groupby(hour)
    usual = by_hour.median()[_busy(by_hour.count())]
    needs(usual, "rides with a sensible distance")
    fast, slow = usual.idxmax(), usual.idxmin()
    with canvas() as (figure, (axes,)):
        axes.fill_between(
            *zip(*by_hour.quantile(0.25).items(), strict=True),
            by_hour.quantile(0.75),
            color=SKY,
            alpha=0.25,
            lw=0,
            label="middle half of all rides",
        )
        for label, chosen, colour, mark in (("weekdays", ~weekend, BLUE, "o"), ("weekends", weekend, ORANGE, "s")):
            line = mph[chosen].groupby(hour[chosen]).median()
            axes.plot(line.index, line, color=colour, marker=mark, ms=4, lw=2, label=label)
        finding(figure, f"Fastest at {fast}:00 ({usual[fast]:.0f} mph), slowest at {slow}:00 ({usual[slow]:.0f} mph)")
        axes.set(xlabel="hour of pickup", ylabel="median speed (mph)", ylim=(0, None), xticks=range(0, 24, 3))
        axes.legend()
    return figure


def error_by_hour(trips: pd.DataFrame, predicted, name: str = "the model") -> Figure:
    """Mean absolute error and bias (minutes) by hour of pickup; ``predicted`` are minutes for these trips, in order."""
    actual = column(trips, "duration")
    score(actual, predicted)  # says what is wrong with them, if anything is
    error = pd.Series(np.asarray(predicted, np.float64) - actual)
    hour = trips["lpep_pickup_datetime"].dt.hour.to_numpy()
    table = pd.DataFrame({"mae": error.abs().groupby(hour).mean(), "bias": error.groupby(hour).mean()})
    common = table[_busy(error.groupby(hour).size())]
    worst, best = common["mae"].idxmax(), common["mae"].idxmin()
    with canvas() as (figure, (axes,)):
        axes.bar(table.index, table["mae"], width=0.7, color=SKY, label="mean absolute error")
        axes.plot(table.index, table["bias"], color=RED, marker="o", ms=4, lw=2, label="bias (below 0: too short)")
        axes.axhline(0, color=INK, lw=0.8)
        finding(
            figure,
            f"{_start(_words(name))} errs most at {worst}:00 ({common['mae'][worst]:.1f} min), "
            f"least at {best}:00 ({common['mae'][best]:.1f} min)",
        )
        axes.set(xlabel="hour of pickup", ylabel="error (minutes)", xticks=range(0, 24, 3))
        axes.set_ylim(min(0, table["bias"].min()) * 1.15, table["mae"].max() * 1.35)
        axes.legend(ncols=2, loc="upper left")
    return figure


def _busy(counts: pd.Series) -> pd.Series:
    """Which hours a title may speak of: a few rides at night say nothing."""
    return counts >= max(1, counts.sum() / 1000)


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]
