"""The look that all pictures of the course share, and what drawing any of them needs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course_lib.errors import CourseError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart with every common kind of colour blindness, and in grey by their lightness.
BLUE, ORANGE, GREEN, RED, SKY, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#8A8F98"
INK = "#2B2F36"
STYLE = {
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#B8BCC4",
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E8EAEE",
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
}


@contextmanager
def canvas(
    width: float = 7.2, height: float = 3.6, columns: int = 1, dpi: int = 90
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure (inches) in the course's style with ``columns`` axes side by side, closed when the block ends."""
    from matplotlib import pyplot

    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(1, columns, figsize=(width, height), dpi=dpi, squeeze=False)
        try:
            yield figure, list(axes[0])
        finally:
            pyplot.close(figure)  # or a notebook would show it a second time


def finding(figure: Figure, text: str) -> None:
    """The finding over the whole figure, in as many lines as its width needs."""
    width = int(figure.get_figwidth() * 9.5)
    figure.suptitle("\n".join(textwrap.wrap(text, width)), x=0.01, ha="left")


def save(figure: Figure, path: str | Path) -> Path:
    """Write ``figure`` to ``path`` (PNG, folders made if need be) and return the path. Raises CourseError."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=figure.dpi)
    except OSError as error:
        raise CourseError(f"The picture {path} can't be written: {error.strerror or error}.") from error
    return path


def column(trips: pd.DataFrame, name: str) -> np.ndarray:
    """A column of cleaned trips as float64. Raises UsageError when it isn't there, CourseError when it is empty."""
    if name not in trips.columns:
        raise UsageError(f"This picture needs trips with the column '{name}'; cleaning.clean(trips).trips has it.")
    needs(trips, "trips")
    return trips[name].to_numpy(np.float64)


def needs(things, what: str) -> None:
    """Raise CourseError when there is nothing to draw."""
    if len(things) == 0:
        raise CourseError(f"There is nothing to draw: no {what}.")
