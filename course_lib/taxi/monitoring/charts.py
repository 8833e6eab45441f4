"""The pictures of the dashboard, as figures; :func:`svg` makes text of them that a page can hold."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_lib.taxi.monitoring import alerts, drift, rules
from course_lib.taxi.monitoring.baseline import Baseline
from course_lib.taxi.plot_style import BLUE, GREEN, GREY, INK, ORANGE, RED, SKY, STYLE, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.35, 2.9)
_FEATURE_COLOURS = dict(zip(rules.WATCHED, (BLUE, ORANGE, GREEN, GREY), strict=True))


def ratio(weeks: pd.DataFrame, held: Baseline, rule: alerts.Rule | None = None) -> Figure:
    """RMSE ÷ standard deviation by week with its interval, the baseline and the line at which an alert is raised."""
    with canvas(*SIZE) as (figure, (axes,)):
        _series(axes, weeks, "ratio", BLUE, "weeks", band=True)
        axes.axhline(held.ratio, color=GREY, lw=1.2, label=f"baseline {held.ratio:.2f}")
        if rule is not None:
            axes.axhline(held.ratio * rule.raise_at, color=RED, lw=1.2, ls="--", label="alert above")
        _finish(axes, "Error in relation to the spread", "RMSE ÷ std. deviation")
    return figure


def error(weeks: pd.DataFrame) -> Figure:
    """RMSE and the standard deviation of the durations, by week, in minutes: they fall and rise together."""
    with canvas(*SIZE) as (figure, (axes,)):
        if weeks["rmse"].notna().any():
            _series(axes, weeks, "sd", GREY, "std. deviation of durations")
        _series(axes, weeks, "rmse", BLUE, "RMSE", band=True)
        axes.set_ylim(0, None)
        _finish(axes, "Typical error, and the spread of rides", "minutes")
    return figure


def bias(weeks: pd.DataFrame, rule: alerts.Rule | None = None) -> Figure:
    """Mean error by week in minutes with its interval; below 0 rides are promised too short."""
    with canvas(*SIZE) as (figure, (axes,)):
        axes.axhline(0, color=INK, lw=0.8)
        _series(axes, weeks, "bias", BLUE, "bias", band=True)
        if rule is not None:
            for sign in (-1, 1):
                axes.axhline(
                    sign * rule.raise_at, color=RED, lw=1.2, ls="--", label="alert beyond" if sign > 0 else None
                )
        _finish(axes, "Bias: below 0, promised too short", "minutes")
    return figure


def drift_by_week(table: pd.DataFrame, rule: alerts.Rule | None = None) -> Figure:
    """PSI of the watched features by week."""
    with canvas(*SIZE) as (figure, (axes,)):
        if table["psi"].isna().all():
            _nothing(axes, "too few rides")
            table = table.iloc[:0]
        for name, part in table.groupby("feature", sort=False):
            _series(axes, part.set_index("start"), "psi", _FEATURE_COLOURS.get(str(name), INK), str(name))
        if rule is not None and len(table):
            axes.axhline(rule.raise_at, color=RED, lw=1.2, ls="--", label="alert above")
        axes.set_ylim(0, None)
        _finish(axes, "Drift of what riders ask for", "PSI against the reference")
    return figure


def drift_by_feature(table: pd.DataFrame, month: str) -> Figure:
    """PSI of each feature in one month, with its verdict."""
    colours = {"much": RED, "some": ORANGE, drift.NONE: BLUE, drift.TOO_FEW: "#D5D8DD"}
    with canvas(*SIZE) as (figure, (axes,)):
        shown = table.iloc[::-1]
        bars = axes.barh(shown.index, shown["psi"], color=[colours[word] for word in shown["verdict"]], height=0.65)
        axes.bar_label(
            bars, [f"{row['psi']:.2f} {row['verdict']}" for _, row in shown.iterrows()], padding=3, fontsize=8
        )
        axes.set_xlim(0, max(0.3, shown["psi"].max() * 1.4))
        axes.grid(axis="y", visible=False)
        axes.set(xlabel="PSI against the reference")
        axes.set_title(f"Drift by feature, {month}", loc="left", fontsize=10.5, fontweight="bold")
    return figure


def error_by_slice(tables: dict[str, pd.DataFrame], month: str) -> Figure:
    """RMSE (minutes) with its interval by pickup borough and length of ride; slices of too few rides are left out."""
    with canvas(*SIZE) as (figure, (axes,)):
        labels: list[str] = []
        for colour, by in ((BLUE, "pickup borough"), (GREEN, "length")):
            for name, row in tables[by][tables[by]["enough"]].iterrows():
                spread = [[row["rmse"] - row["rmse_low"]], [row["rmse_high"] - row["rmse"]]]
                axes.errorbar(row["rmse"], len(labels), xerr=spread, fmt="o", color=colour, ms=5, capsize=3)
                labels.append(f"{'from ' if by.startswith('pickup') else ''}{name}")
        if labels:
            axes.set_yticks(range(len(labels)), labels)
            axes.set_ylim(len(labels) - 0.4, -0.6)
            axes.set_xlim(0, None)
        else:
            _nothing(axes, "no labels yet, or too few")
            axes.set_xticks([])
        axes.grid(axis="y", visible=False)
        axes.set(xlabel="RMSE (minutes), 95 % interval")
        axes.set_title(f"Where it errs, {month}", loc="left", fontsize=10.5, fontweight="bold")
    return figure


def svg(figure: Figure, words: str) -> str:
    """The figure as an ``<svg>`` element that says ``words`` to those who don't see it."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({**STYLE, "svg.fonttype": "none", "svg.hashsalt": words}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns:xlink="[^"]*"', "", text).replace("xlink:href", "href")
    prefix = re.sub(r"\W", "", words)[:24]  # several pictures on one page: their ids must differ
    text = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{prefix}-", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{html.escape(words)}"', 1)


def _series(axes: Axes, table: pd.DataFrame, name: str, colour: str, label: str, band: bool = False) -> None:
    """A line over windows, broken where months are missing and where there were too few rides."""
    starts = pd.DatetimeIndex(table.index)
    axes.set_xlim(starts.min(), table["end"].max())
    if table[name].isna().all():
        _nothing(axes, "no labels yet, or too few")
        return
    gaps = np.flatnonzero(np.asarray(table["end"].to_numpy()[:-1] != starts.to_numpy()[1:])) + 1
    for number, part in enumerate(np.split(np.arange(len(table)), gaps)):
        rows = table.iloc[part]
        places = starts[part] + (pd.DatetimeIndex(rows["end"]) - starts[part]) / 2
        axes.plot(
            places, rows[name], color=colour, marker="o", ms=3.5, lw=1.8, label=None if number else label, zorder=3
        )
        if band:
            axes.fill_between(places, rows[f"{name}_low"], rows[f"{name}_high"], color=SKY, alpha=0.3, lw=0)


def _nothing(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.28, words, transform=axes.transAxes, ha="center", color=GREY)
    axes.set_yticks([])


def _finish(axes: Axes, title: str, unit: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_ylabel(unit)
    axes.set_title(title, loc="left", fontsize=10.5, fontweight="bold")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (high - low) * 0.22)  # room for the legend
    if not axes.get_legend_handles_labels()[0]:
        return
    axes.legend(fontsize=8, ncols=3, loc="upper left", borderaxespad=0.1, handlelength=1.4, columnspacing=0.9)
