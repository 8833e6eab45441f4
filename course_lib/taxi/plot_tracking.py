"""Pictures of tracked runs: what accuracy costs in time, how learning goes on, what one setting changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_lib.errors import CourseError, UsageError
from course_lib.taxi.plot_style import BLUE, GREY, INK, ORANGE, RED, SKY, canvas, finding, needs, save
from course_lib.taxi.tracking_tables import loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["error_against_time", "learning_curves", "save", "search"]

_UNITS = {
    "rmse": "RMSE (minutes)",
    "mae": "MAE (minutes)",
    "bias": "bias (minutes)",
    "r2": "R²",
    "within_5": "rides within 5 minutes (share)",
    "fit_seconds": "time to train (seconds)",
    "predict_ms": "time to answer for one ride (ms)",
}
_COLOURS = (BLUE, ORANGE, INK, RED, SKY, GREY)


def error_against_time(
    table: pd.DataFrame, metric: str = "rmse", time: str = "predict_ms", label: str | Sequence[str] | None = None
) -> Figure:
    """A dot for each run: its error against the time it takes; the line joins those that no other run beats in both.

    ``table`` is a search's table or that of tracking.runs; ``metric`` and ``time`` are columns of it (``metrics.`` may
    be left out). ``label`` names the column with the dots' names (default: ``name``, else the index), or gives
    them. Runs without one of the two values aren't drawn; CourseError when none is left.
    """
    error, seconds = _values(table, metric), _values(table, time)
    names = _names(table, label)
    known = np.isfinite(error) & np.isfinite(seconds)
    error, seconds, names = error[known], seconds[known], [name for name, ok in zip(names, known, strict=True) if ok]
    needs(names, "runs with both values")
    front = unbeaten(loss(metric, error), seconds)
    least, quickest = front[-1], front[0]
    title = f"{_start(names[least])} errs least"
    if least != quickest:
        title += f", at {_times(seconds[least] / seconds[quickest])} the time of {names[quickest]}"
    with canvas(7.2, 4.2) as (figure, (axes,)):
        finding(figure, title)
        axes.plot(seconds[front], error[front], color=SKY, lw=1.5, zorder=1, label="beaten by no other run")
        colours = [BLUE if place in front else GREY for place in range(len(names))]
        axes.scatter(seconds, error, c=colours, s=46, zorder=2)
        if len(seconds) > 1 and seconds.min() > 0 and seconds.max() > 20 * seconds.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        axes.margins(x=0.16, y=0.12)
        if len(names) <= 16:  # more would be a heap of letters
            for place, name in enumerate(names):
                axes.annotate(
                    name, (seconds[place], error[place]), xytext=(6, 5), textcoords="offset points", fontsize=9
                )
        axes.set(xlabel=_axis(time), ylabel=_axis(metric))
        if len(front) > 1:
            axes.legend(loc="best")
    return figure


def learning_curves(history: pd.DataFrame, metric: str = "rmse", step: str = "trees") -> Figure:
    """A line for each run: how a metric changed from step to step; ``history`` is tracking.history's table.

    ``step`` says what was counted (trees, rounds, rides).
    """
    needs(history, "values of the metric")
    lines = {run: rows.sort_values("step", ignore_index=True) for run, rows in history.groupby("run_id", sort=False)}
    ends = {run: float(rows["value"].iloc[-1]) for run, rows in lines.items()}
    winner = min(ends, key=lambda run: loss(metric, ends[run]))
    rows = lines[winner]
    turn = rows.loc[loss(metric, rows["value"]).idxmin()]
    name = str(rows["name"].iloc[0])
    title = f"{_start(name)} ends best, at {ends[winner]:.2f}"
    if turn["step"] < rows["step"].iloc[-1]:
        title = f"{_start(name)} was best after {turn['step']:.0f} {step}, at {turn['value']:.2f}"
    with canvas(7.2, 3.8) as (figure, (axes,)):
        finding(figure, title)
        for place, (run, line) in enumerate(lines.items()):
            style = {"lw": 2.2 if run == winner else 1.4, "color": _COLOURS[place % len(_COLOURS)]}
            style["marker"] = "o" if len(line) < 13 else ""
            axes.plot(line["step"], line["value"], label=str(line["name"].iloc[0]), **style)
        axes.set(xlabel=f"number of {step}", ylabel=_axis(metric))
        axes.legend(loc="best")
    return figure


def search(table: pd.DataFrame, parameter: str, metric: str = "rmse") -> Figure:
    """What one parameter of a search changes: a dot for each setting, a line through the best of each value."""
    error, places = _values(table, metric), table[_column(table, parameter)]
    known = np.isfinite(error)
    error, places = error[known], places[known]
    needs(error, "settings that could be scored")
    numeric = pd.api.types.is_numeric_dtype(places)
    values = sorted(places.unique(), key=None if numeric else str)
    wrong = loss(metric, error)
    best = [error[(places == value).to_numpy()][np.argmin(wrong[(places == value).to_numpy()])] for value in values]
    top = int(np.argmin(loss(metric, np.array(best))))
    across = np.array(values, dtype=float) if numeric else np.arange(len(values))
    at = places.to_numpy(float) if numeric else np.array([values.index(value) for value in places])
    with canvas(6.4, 3.8) as (figure, (axes,)):
        finding(figure, f"The best {_axis(metric).split(' (')[0]} is at {parameter} = {values[top]}: {best[top]:.2f}")
        axes.scatter(at, error, color=GREY, s=30, label="a setting", zorder=2)
        axes.plot(across, best, color=BLUE, marker="o", lw=1.8, label=f"the best for each {parameter}", zorder=3)
        if numeric and len(values) > 2 and across.min() > 0 and across.max() >= 20 * across.min():
            axes.set_xscale("log")
        axes.set_xticks(across, [f"{value:g}" if numeric else str(value) for value in values])
        axes.minorticks_off()
        axes.set(xlabel=parameter, ylabel=_axis(metric))
        axes.legend(loc="best")
    return figure


def unbeaten(error: np.ndarray, time: np.ndarray) -> list[int]:
    """Positions of the runs that no other beats in both error and time, quickest first; of equals the first."""
    order = np.lexsort((np.arange(len(error)), error, time))
    front: list[int] = []
    for place in order:
        if not front or error[place] < error[front[-1]]:
            front.append(int(place))
    return front


def _values(table: pd.DataFrame, name: str) -> np.ndarray:
    needs(table, "runs")
    try:
        return table[_column(table, name)].to_numpy(np.float64)
    except (TypeError, ValueError):
        raise CourseError(f"The column '{name}' has values that are no numbers, and can't be drawn.") from None


def _column(table: pd.DataFrame, name: str) -> str:
    for found in (name, f"metrics.{name}", f"params.{name}"):
        if found in table.columns:
            return found
    raise UsageError(f"The table has no column '{name}'. It has: {', '.join(map(str, table.columns))}.")


def _names(table: pd.DataFrame, label: str | Sequence[str] | None) -> list[str]:
    if label is None:
        return [str(name) for name in (table["name"] if "name" in table.columns else table.index)]
    if isinstance(label, str):
        return [str(name) for name in table[_column(table, label)]]
    if len(label) != len(table):
        raise UsageError(f"There are {len(label)} names for {len(table)} runs.")
    return [str(name) for name in label]


def _short(metric: str) -> str:
    return metric.removeprefix("metrics.")


def _axis(name: str) -> str:
    return _UNITS.get(_short(name), _short(name))


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:.0f} times"


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]
