"""Pictures of what a model looks at and whom it serves badly, in the course's look; the finding is in the title."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.governance.explain import Explanation
from course_lib.taxi.governance.fairness import place_name, slice_name
from course_lib.taxi.plot_style import BLUE, GREY, INK, ORANGE, RED, SKY, canvas, finding, needs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_UNITS = {"hour": "hour of pickup", "weekday": "day of pickup", "distance": "straight line between the zones (miles)"}


def importance(table: pd.DataFrame, width: float = 7.2) -> Figure:
    """Bars of importance.permutation's table: how much the RMSE (minutes) rises, with the range of the shuffles.

    ``width`` is the picture's, in inches.
    """
    needs(table, "importances")
    with canvas(width, 0.9 + 0.55 * max(3, len(table))) as (figure, (axes,)):
        first = table["rise"].idxmax()
        finding(figure, f"With a shuffled {first} the RMSE rises by {table['rise'].max():.1f} min")
        places = np.arange(len(table))
        axes.barh(places, table["rise"], color=[BLUE if name == first else SKY for name in table.index], height=0.6)
        spread = np.abs(table[["low", "high"]].to_numpy().T - table["rise"].to_numpy())
        axes.errorbar(table["rise"], places, xerr=spread, fmt="none", ecolor=INK, capsize=3, lw=1.2)
        axes.set_yticks(places, table.index)
        axes.set(
            xlabel="rise of the RMSE when shuffled (minutes)\nline: from the least to the greatest of the shuffles"
        )
        axes.axvline(0, color=INK, lw=0.8)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
    return figure


def dependence(table: pd.DataFrame) -> Figure:
    """A line (or dots, for boroughs) of dependence.partial's table: mean answer and the middle half of the rides'."""
    shown = table[table["minutes"].notna()]
    needs(shown, "answers")
    what = str(table.index.name)
    least, most = shown["minutes"].idxmin(), shown["minutes"].idxmax()
    with canvas() as (figure, (axes,)):
        finding(
            figure,
            f"The same rides take {shown['minutes'][least]:.1f} min {_value(what, least)} "
            f"and {shown['minutes'][most]:.1f} min {_value(what, most)}",
        )
        if "borough" in what:
            _dots(axes, shown)
            axes.set(xlabel=f"predicted duration (minutes), by {what.replace('dropoff', 'drop-off')}", xlim=(0, None))
        else:
            axes.fill_between(
                shown.index, shown["low"], shown["high"], color=SKY, alpha=0.3, lw=0, label="middle half of the rides"
            )
            axes.plot(shown.index, shown["minutes"], color=BLUE, marker="o", ms=4, lw=2, label="mean of all rides")
            axes.set(xlabel=_UNITS.get(what, what), ylabel="predicted duration (minutes)", ylim=(0, None))
            if what == "hour":
                axes.set_xticks(range(0, 24, 3))
            elif what == "weekday":
                axes.set_xticks(shown.index, [_DAYS[int(day)] for day in shown.index])
            axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
            axes.legend(loc="upper left", ncols=2)
    return figure


def explanation(explained: Explanation) -> Figure:
    """A waterfall of an explain.Explanation: from the usual answer, over each part, to this ride's (minutes)."""
    names = [f"{name}\n{explained.ride.get(name, '')}".strip() for name in explained.parts.index]
    steps = explained.parts.to_numpy(np.float64)
    starts = explained.base + np.concatenate([[0.0], np.cumsum(steps)])
    with canvas(7.2, 3.4) as (figure, (axes,)):
        finding(figure, f"{explained.minutes:.1f} minutes; the usual ride is answered {explained.base:.1f}")
        labels = ["usual answer", *names, "this ride's answer"]
        axes.barh([0, len(labels) - 1], [explained.base, explained.minutes], color=[GREY, BLUE], height=0.62)
        axes.barh(np.arange(1, len(steps) + 1), steps, left=starts[:-1], height=0.62, color=_signed(steps))
        top = max(explained.base, explained.minutes, starts.max())
        for place, (start, step) in enumerate(zip(starts, steps, strict=False), 1):
            axes.text(max(start, start + step) + top * 0.015, place, f"{step:+.1f}", va="center")
        for place, value in ((0, explained.base), (len(labels) - 1, explained.minutes)):
            axes.text(value + top * 0.015, place, f"{value:.1f}", va="center")
        for place, level in enumerate(starts):
            axes.plot([level, level], [place - 0.31, place + 1.31], color=INK, lw=0.8)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlabel="predicted duration (minutes)", xlim=(min(0, starts.min() * 1.1), top * 1.12))
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
    return figure


def error_by(table: pd.DataFrame, overall: pd.Series | None = None, width: float = 7.2) -> Figure:
    """Dots of fairness.error_by's table: RMSE (minutes) with its interval and count; too small slices are named.

    ``overall`` (of fairness.overall) draws a line for all rides. ``width`` is the picture's, in inches.
    """
    needs(table, "slices")
    by = str(table.index.name)
    shown = table[table["enough"].astype(bool)]
    if shown.empty:
        raise CourseError(f"There is nothing to draw: no {by} has enough rides.")
    worst, best = shown["rmse"].idxmax(), shown["rmse"].idxmin()
    with canvas(width, max(2.6, 1.5 + 0.23 * len(table))) as (figure, (axes,)):
        text = f"Errs most {_slice(by, worst)}: RMSE {shown['rmse'][worst]:.1f} min"
        finding(figure, text + (f", least {_slice(by, best)}: {shown['rmse'][best]:.1f} min" if len(shown) > 1 else ""))
        places = np.flatnonzero(table["enough"].astype(bool))
        spread = np.abs(shown[["rmse_low", "rmse_high"]].to_numpy(np.float64).T - shown["rmse"].to_numpy(np.float64))
        axes.errorbar(
            shown["rmse"], places, xerr=np.nan_to_num(spread), fmt="o", color=BLUE, ms=5, capsize=3, label="RMSE, 95 %"
        )
        for place in np.flatnonzero(~table["enough"].astype(bool)):
            axes.text(0.01, place, "too few rides", color=GREY, va="center", transform=axes.get_yaxis_transform())
        if overall is not None:
            axes.axvline(overall["rmse"], color=ORANGE, lw=1.6, ls="--", label=f"all rides {overall['rmse']:.1f}")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=9, borderaxespad=0.2)
        names = [f"{int(n):,} rides  {place_name(by, name)}" for name, n in table["n"].items()]
        axes.set_yticks(range(len(table)), names)
        axes.set(xlabel="RMSE (minutes) with its 95 % interval", xlim=(0, None), ylim=(len(table) - 0.4, -0.6))
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    return figure


def alt(figure: Figure) -> str:
    """What a picture of this module shows, for those who don't see it: its finding and its axes."""
    title = " ".join(figure.get_suptitle().split())
    axes = figure.axes[0]
    labels = [label for label in (axes.get_xlabel(), axes.get_ylabel()) if label]
    return f"{title}. Axes: {'; '.join(labels)}." if labels else f"{title}."


def _dots(axes: Axes, shown: pd.DataFrame) -> None:
    places = np.arange(len(shown))
    axes.hlines(places, shown["low"], shown["high"], color=SKY, lw=6, alpha=0.6, label="middle half of the rides")
    axes.plot(shown["minutes"], places, "o", color=BLUE, ms=6, label="mean of all rides")
    axes.set_yticks(places, [place_name(str(shown.index.name), name) for name in shown.index])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


def _signed(steps: np.ndarray) -> list[str]:
    return [RED if step > 0 else SKY for step in steps]


def _value(what: str, value: object) -> str:
    if what == "hour":
        return f"at {value}:00"
    if what == "weekday":
        return f"on {_DAYS[int(str(value))]}"
    if what == "distance":
        return f"over {value:g} mile{'' if value == 1 else 's'}"
    return slice_name(what, value)


def _slice(by: str, name: object) -> str:
    return f"{'at ' if by == 'hour' else '' if 'borough' in by else 'for '}{slice_name(by, name)}"
