"""The pipeline as a picture: a row for each month, an arrow for each "this comes first", a colour for what is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from course_lib.errors import UsageError
from course_lib.taxi.pipeline_graph import edges
from course_lib.taxi.pipeline_types import STEPS
from course_lib.taxi.plot_style import BLUE, GREEN, GREY, INK, ORANGE, RED, SKY, canvas, finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What each status means, in the order of the legend: a colour, and whether the box is filled with it.
COLOURS = {
    "fresh": (GREEN, "done, and as it should be"),
    "stale": (ORANGE, "done otherwise than now"),
    "damaged": (RED, "its file or version is gone or changed"),
    "missing": (GREY, "never done"),
    "follows": (SKY, "after one of these"),
    "ran": (BLUE, "run now"),
    "unchanged": (GREEN, "left alone"),
    "failed": (RED, "failed"),
    "skipped": (GREY, "not reached"),
}
_WIDTH, _HEIGHT = 0.78, 0.5  # of a box; boxes stand at whole numbers


def draw(months: Any, statuses: Mapping[tuple[str, str], str] | None = None, title: str | None = None) -> Figure:
    """The graph of these months, or the one that pipeline.graph returned: arrows are those of its tasks.

    ``statuses`` maps (month, step) to a plan's status (``plan.statuses()``) or to what a run did (``ran``, ``failed``
    …); it colours the boxes and adds a legend. Raises UsageError for another status, and without months.
    """
    arrows = edges(months)
    given = dict(statuses or {})
    if unknown := sorted(set(given.values()) - COLOURS.keys()):
        raise UsageError(f"There is no status {', '.join(unknown)}; there are: {', '.join(COLOURS)}.")
    rows = sorted({name.split()[1] for edge in arrows for name in edge})
    height = 1.15 + 0.62 * len(rows) + (0.35 if given else 0)
    with canvas(7.6, height) as (figure, (axes,)):
        for before, after in arrows:
            _arrow(axes, _place(before, rows), _place(after, rows))
        for month in rows:
            for step in STEPS:
                _box(axes, _place(f"{step} {month}", rows), step, given.get((month, step)))
        _frame(axes, rows)
        if given:
            _legend(figure, [status for status in COLOURS if status in given.values()])
        finding(figure, title or _title(rows))
    return figure


def _title(rows: Sequence[str]) -> str:
    if len(rows) == 1:
        return f"{rows[0]}: each step waits for the one before"
    return "Months don't wait for each other; the registry takes them in order"


def _place(name: str, rows: Sequence[str]) -> tuple[float, float]:
    step, month = name.split()
    return float(STEPS.index(step)), -float(rows.index(month))


def _box(axes: Axes, place: tuple[float, float], step: str, status: str | None) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import FancyBboxPatch

    colour = COLOURS[status][0] if status else BLUE
    pale = tuple(1 - 0.22 * (1 - part) for part in to_rgb(colour))
    corner = (place[0] - _WIDTH / 2, place[1] - _HEIGHT / 2)
    style = "round,pad=0,rounding_size=0.1"
    axes.add_patch(
        FancyBboxPatch(corner, _WIDTH, _HEIGHT, boxstyle=style, facecolor=pale, edgecolor=colour, linewidth=1.4)
    )
    axes.text(*place, step, ha="center", va="center", fontsize=9.5, color=INK)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    if start[1] == end[1]:
        tail, head = (start[0] + _WIDTH / 2, start[1]), (end[0] - _WIDTH / 2, end[1])
    else:
        tail, head = (start[0], start[1] - _HEIGHT / 2), (end[0], end[1] + _HEIGHT / 2)
    line = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.1, "shrinkA": 1, "shrinkB": 1, "mutation_scale": 11}
    axes.annotate("", xy=head, xytext=tail, arrowprops=line)


def _frame(axes: Axes, rows: Sequence[str]) -> None:
    axes.set(xlim=(-0.5, len(STEPS) - 0.5), ylim=(-len(rows) + 0.45, 0.45))
    axes.set_yticks([-row for row in range(len(rows))], rows)
    axes.set_xticks([])
    axes.set_ylabel("month")
    axes.set_xlabel("steps, from the source's file to the registry")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _legend(figure: Figure, shown: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=COLOURS[name][0], label=f"{name}: {COLOURS[name][1]}") for name in shown]
    figure.legend(handles=patches, loc="outside lower left", ncols=min(3, len(patches)), fontsize=8.5)
