"""Small pictures as inline SVG: nothing to load, sharp at any size, readable by a screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

INK, GRID, BLUE, PALE, ORANGE, GREY = "#1f2933", "#e3e8ee", "#2b6cb0", "#90bce8", "#dd7a1e", "#c3ccd6"


def picture(width: float, height: float, title: str, body: Sequence[str]) -> str:
    """The frame of a picture, with the title that a screen reader speaks."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title, quote=True)}" '
        f'style="max-width:{width:g}px" xmlns="http://www.w3.org/2000/svg">{"".join(body)}</svg>'
    )


def text(x: float, y: float, words: object, anchor: str = "start", size: float = 12, colour: str = INK) -> str:
    """A line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(str(words))}</text>"
    )


def bar(x: float, y: float, width: float, height: float, colour: str, tip: str = "") -> str:
    """A filled rectangle, with a tip for the mouse."""
    title = f"<title>{escape(tip)}</title>" if tip else ""
    size = f'width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}">{title}</rect>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str = GRID, dash: str = "") -> str:
    """A thin line."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def histogram(values: Sequence[float], top: float, unit: str, bins: int = 10) -> str:
    """How many values fall into each of ``bins`` equal parts of 0 to ``top``; the mean as a dashed line."""
    width, height, left, bottom = 620, 260, 46, 46
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, int(value / top * bins)))] += 1
    most = max([*counts, 1])
    inner, tall = width - left - 16, height - bottom - 30
    body = [text(left, 18, f"students ({len(values)} in all)", size=12)]
    for step in _ticks(most):
        y = 30 + tall * (1 - step / most)
        body += [line(left, y, width - 16, y), text(left - 8, y + 4, step, "end", 11)]
    for place, count in enumerate(counts):
        x, high = left + inner * place / bins, tall * count / most
        tip = f"{top * place / bins:g} to {top * (place + 1) / bins:g} {unit}: {count}"
        body.append(bar(x + 2, 30 + tall - high, inner / bins - 4, high, BLUE, tip))
    for place in range(0, bins + 1, 2):
        body.append(text(left + inner * place / bins, height - bottom + 18, f"{top * place / bins:g}", "middle", 11))
    body.append(text(left + inner / 2, height - 8, unit, "middle", 12))
    if values:
        mean = sum(values) / len(values)
        x = left + inner * mean / top
        body += [line(x, 26, x, 30 + tall, ORANGE, "5 4"), text(x + 5, 24, f"mean {mean:.1f}", "start", 11, ORANGE)]
    return picture(width, height, f"Histogram of {unit}", body)


def stacked(rows: Sequence[tuple[str, Sequence[tuple[str, int]]]], colours: dict[str, str]) -> str:
    """Horizontal bars, one a row, each divided into named counts, all as wide as the whole."""
    widest = max((len(name) for name, _ in rows), default=10)
    left, row_height = min(230.0, 20 + 6.8 * widest), 26
    width, height = 620, 44 + row_height * len(rows) + 26
    inner, body = width - left - 60, []
    x = left
    for name, colour in colours.items():
        body += [bar(x, 6, 12, 12, colour), text(x + 17, 16, name, size=11.5)]
        x += 36 + 6.6 * len(name)
    for number, (name, parts) in enumerate(rows):
        y, whole = 34 + number * row_height, sum(count for _, count in parts) or 1
        body.append(text(left - 8, y + 14, _short(name), "end", 12))
        x = left
        for kind, count in parts:
            wide = inner * count / whole
            body.append(bar(x, y, wide, row_height - 8, colours[kind], f"{name}: {count} of {whole} {kind}"))
            x += wide
        body.append(text(width - 52, y + 14, f"{100 * parts[0][1] / whole:.0f} %", size=12))
    y = 34 + row_height * len(rows)
    body += [text(left + inner * share, y + 12, f"{share:.0%}", "middle", 11) for share in (0, 0.5, 1)]
    return picture(width, height, "Share of students by outcome, for each task", body)


def diverging(rows: Sequence[tuple[str, float | None]], weak: float) -> str:
    """Horizontal bars from 0 to either side, one a row, on a scale from -1 to 1; those below ``weak`` stand out."""
    widest = max((len(name) for name, _ in rows), default=10)
    left, row_height = min(230.0, 20 + 6.8 * widest), 26
    low = -1.0 if any(value is not None and value < 0 for _, value in rows) else 0.0
    width, height = 620, 20 + row_height * len(rows) + 26
    inner, body = width - left - 60, []

    def place(value: float) -> float:
        return left + inner * (value - low) / (1 - low)

    bottom = 10 + row_height * len(rows)
    for value in (-1.0, -0.5, 0.0, 0.5, 1.0):
        if value >= low:
            x = place(value)
            body += [
                line(x, 6, x, bottom, INK if value == 0 else GRID),
                text(x, bottom + 16, f"{value:g}", "middle", 11),
            ]
    for number, (name, value) in enumerate(rows):
        y = 10 + number * row_height
        body.append(text(left - 8, y + 14, _short(name), "end", 12))
        if value is None:
            body.append(text(place(0) + 6, y + 14, "no differences", size=11, colour="#5a6b7b"))
            continue
        start, end = sorted((place(0), place(value)))
        body.append(
            bar(start, y, end - start, row_height - 8, ORANGE if value < weak else BLUE, f"{name}: {value:.2f}")
        )
        body.append(text(width - 52, y + 14, f"{value:.2f}", size=12))
    return picture(width, height, "Correlation of each task with the rest", body)


def _ticks(most: int) -> list[int]:
    step = max(1, round(most / 4))
    return list(range(0, most + 1, step))


def _short(name: str, letters: int = 30) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"
