r"""Formulas as pictures inside a page, drawn by matplotlib, so that a page needs no script from elsewhere.

matplotlib knows most of what lessons use (fractions, roots, sums, Greek, ``\text``). A formula that it doesn't
know is shown as it was typed.
"""

from __future__ import annotations

from html import escape

_SIZE = 10  # points; only ratios matter, since the picture is sized in em


def formula_svg(tex: str) -> str | None:
    """A formula (TeX without the dollars) as an SVG as high as the text around it; None when it can't be drawn."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser
    from matplotlib.textpath import TextPath

    text = f"${' '.join(tex.split())}$"
    font = FontProperties(family="serif", size=_SIZE, math_fontfamily="cm")
    try:
        width, height, depth, *_ = MathTextParser("path").parse(text, dpi=72, prop=font)
        path = TextPath((0, 0), text, size=_SIZE, prop=font)
    except ValueError:
        return None
    em = 1.2 / _SIZE  # Computer Modern runs small beside a page's font
    box = f"0 {-height:.2f} {width:.2f} {height + depth:.2f}"
    style = f"width:{width * em:.3f}em;height:{(height + depth) * em:.3f}em;vertical-align:{-depth * em:.3f}em"
    return (
        f'<svg role="img" aria-label="{escape(tex.strip())}" viewBox="{box}" style="{style}">'
        f'<path d="{_outline(path)}"/></svg>'
    )


def inline_formula(tex: str) -> str:
    """HTML of a formula within a line."""
    svg = formula_svg(tex)
    return f'<span class="formula">{svg}</span>' if svg else f"<code>${escape(tex)}$</code>"


def block_formula(tex: str) -> str:
    """HTML of a formula on lines of its own, fractions in full size as TeX sets them there."""
    svg = formula_svg(tex.replace(r"\frac", r"\dfrac"))
    if svg:
        return f'<div class="formula formula-block">{svg}</div>\n'
    return f"<pre>{escape(tex.strip())}</pre>\n"


def _outline(path: object) -> str:
    """An SVG path of a matplotlib path; matplotlib's y runs upwards, SVG's downwards."""
    from matplotlib.path import Path

    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
    parts = []
    for vertices, code in path.iter_segments(curves=True, simplify=False):  # type: ignore[attr-defined]
        pairs = zip(vertices[::2], vertices[1::2], strict=True)
        points = "" if code == Path.CLOSEPOLY else " ".join(f"{x:.2f} {-y:.2f}" for x, y in pairs)
        parts.append(letters[code] + points)
    return "".join(parts)
