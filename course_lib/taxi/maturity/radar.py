"""The radar: five axes, one a level, and how much of each level's evidence there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from course_lib.errors import UsageError
from course_lib.taxi.maturity.findings import LEVELS, Assessment
from course_lib.taxi.plot_style import BLUE, GREEN, GREY, ORANGE, RED, SKY, STYLE, finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (BLUE, ORANGE, GREEN, RED, SKY)
_MARKERS = ("o", "s", "^", "D", "v")


def radar(assessed: Assessment | Mapping[str, Assessment]) -> Figure:
    """Per level, from the top and clockwise, the share of its practices that were found, 0 to 100 %.

    Several assessments, by name, are drawn over one another (at most five). Raises UsageError for none or more.
    """
    from matplotlib import pyplot

    several = {assessed.directory.name: assessed} if isinstance(assessed, Assessment) else dict(assessed)
    if not 1 <= len(several) <= len(_COLOURS):
        raise UsageError(f"A radar shows one to {len(_COLOURS)} assessments, not {len(several)}.")
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(6.6, 5.6), dpi=90, subplot_kw={"projection": "polar"})
        try:
            _grid(axes, several)
            for number, (name, one) in enumerate(several.items()):
                _outline(axes, one, f"{name}: {one.level}", _COLOURS[number], _MARKERS[number])
            if len(several) > 1:
                figure.legend(loc="outside lower center", ncols=2)
            finding(figure, _title(several))
        finally:
            pyplot.close(figure)
    return figure


def _angles() -> np.ndarray:
    return np.linspace(0, 2 * np.pi, len(LEVELS), endpoint=False)


def _grid(axes: Axes, several: Mapping[str, Assessment]) -> None:
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_xticks(_angles(), [_axis_label(level, several) for level in LEVELS])
    axes.tick_params(axis="x", pad=18, labelsize=11)
    axes.set_ylim(0, 1.03)
    axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["25 %", "50 %", "75 %", "100 %"], color=GREY, fontsize=8)
    axes.set_rlabel_position(324)  # between the last level and the first: emptiest for most
    axes.spines["polar"].set_visible(False)


def _axis_label(level: str, several: Mapping[str, Assessment]) -> str:
    """The level, and for a single assessment how many of its practices were found."""
    if len(several) > 1:
        return level
    findings = next(iter(several.values())).of(level)
    return f"{level}\n{sum(one.found for one in findings)} of {len(findings)}"


def _outline(axes: Axes, one: Assessment, label: str, colour: str, marker: str) -> None:
    shares = one.shares.to_numpy(float)
    angles = _angles()
    closed = np.append(angles, angles[0]), np.append(shares, shares[0])
    axes.fill(*closed, color=colour, alpha=0.12)
    axes.plot(*closed, color=colour, linewidth=1.8)
    axes.plot([], [], marker, linestyle="-", color=colour, label=label)  # the legend's
    # a full mark: the level holds; an empty one: something is missing there, or below
    for angle, share, holds in zip(angles, shares, one.holds, strict=True):
        face = colour if holds else "white"
        axes.plot(
            angle, share, marker, markersize=8, markerfacecolor=face, markeredgecolor=colour, clip_on=False, zorder=3
        )


def _title(several: Mapping[str, Assessment]) -> str:
    if len(several) > 1:
        return "Share of the evidence found for each level (full marks: the level holds)"
    ((name, one),) = several.items()
    return f"{name} is at level {one.level} (full marks: the level holds)"
