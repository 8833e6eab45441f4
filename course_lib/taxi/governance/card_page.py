"""A model card as one HTML page: no requests, pictures inline with words, legible on a wide screen and on a phone."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from course_lib.taxi.governance import plots
from course_lib.taxi.governance.card_document import MISSING, Part, Picture, Table, parts, title
from course_lib.taxi.monitoring.charts import svg

if TYPE_CHECKING:
    from course_lib.taxi.governance.card import ModelCard

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 14px 18px 40px; max-width: 1180px; background: #fff; color: #2b2f36;
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 23px; line-height: 1.25; margin: 4px 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 6px; }
.made { color: #555b66; margin: 0 0 12px; }
.state { display: inline-block; font-weight: 700; padding: 1px 10px; border-radius: 4px; border: 2px solid;
  margin: 0 8px 8px 0; }
.state a { color: inherit; }
.bad { color: #a33c00; border-color: #d55e00; background: #fff4ec; }
.good { color: #00664a; border-color: #009e73; background: #effaf6; }
.tiles { display: flex; flex-wrap: wrap; gap: 8px; margin: 4px 0 14px; }
.tile { flex: 1 1 140px; border: 1px solid #d5d8dd; border-radius: 6px; padding: 6px 12px; }
.tile b { display: block; font-size: 19px; } .tile span { color: #555b66; font-size: 13px; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 0 36px; }
section { border-top: 1px solid #d5d8dd; padding: 14px 0; min-width: 0; } section.full { grid-column: 1 / -1; }
section > p, section > ul { max-width: 85ch; margin: 6px 0; } ul { padding-left: 22px; } li { margin: 3px 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 4px 36px; }
.pair > * { min-width: 0; } svg { width: 100%; max-width: 560px; height: auto; display: block; }
.wide { overflow-x: auto; margin: 6px 0; } table { border-collapse: collapse; font-size: 13.5px; }
th, td { padding: 3px 12px 3px 0; text-align: left; border-bottom: 1px solid #e8eaee; vertical-align: top; }
.numbers th:not(:first-child), .numbers td:not(:first-child) { text-align: right; padding: 3px 0 3px 14px; }
.numbers th, .numbers td { white-space: nowrap; }
@media (max-width: 520px) {
  table { font-size: 12px; } .numbers th { white-space: normal; }
  .numbers th:not(:first-child), .numbers td:not(:first-child) { padding-left: 8px; }
}
.plain td:last-child { overflow-wrap: anywhere; min-width: 140px; }
"""


def render(card: ModelCard) -> str:
    """The whole page."""
    name = html.escape(title(card))
    lacking = len(card.why)
    evidence = "nothing missing"
    if lacking:
        evidence = f'<a href="#missing">{lacking} thing{"s" if lacking > 1 else ""} missing</a>'
    log = "audit log holds" if card.holds else "audit log does not hold"
    states = "".join(
        f'<span class="state {"good" if good else "bad"}">{words}</span>'
        for good, words in ((not lacking, evidence), (card.holds, log))
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head>
<body><header><h1>{name}</h1><p class="made">Made {card.at:%Y-%m-%d %H:%M} UTC.</p>{states}</header>
<div class="tiles">{_tiles(card)}</div>
<main>{"".join(_section(part) for part in parts(card))}</main></body></html>
"""


def _tiles(card: ModelCard) -> str:
    row, model = card.overall, card.sections["model"]
    shown = [(str(model["kind"] or "unknown"), "kind of model"), (model["registered_at"][:10], "registered")]
    if row is not None:
        shown += [
            (f"{row['rmse']:.1f} min", "RMSE"),
            (f"{row['bias']:+.1f} min", "bias; below 0: promised too short"),
            (f"{row['within_5']:.0%}", "within 5 minutes"),
        ]
    if "by" in card.sections["promotion"]:
        shown.append((card.sections["promotion"]["by"], f"made it {card.alias}"))
    return "".join(
        f'<div class="tile"><b>{html.escape(value)}</b><span>{html.escape(words)}</span></div>'
        for value, words in shown
    )


def _section(part: Part) -> str:
    blocks, made = list(part.blocks), []
    while blocks:
        block = blocks.pop(0)
        if isinstance(block, Picture) and blocks and isinstance(blocks[0], Table):
            made.append(f'<div class="pair">{_block(block)}{_block(blocks.pop(0))}</div>')
        else:
            made.append(_block(block))
    place = (' id="missing"' if part.title == MISSING else "") + (' class="full"' if part.wide else "")
    return f"<section{place}><h2>{html.escape(part.title)}</h2>{''.join(made)}</section>"


def _block(block: Any) -> str:
    if isinstance(block, Picture):
        figure = block.draw()
        return f"<div>{svg(figure, plots.alt(figure))}</div>"
    if isinstance(block, Table):
        head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in block.headings)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in block.rows)
        kind = "numbers" if block.numbers else "plain"
        return (
            f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        )
    if isinstance(block, list):
        return f"<ul>{''.join(f'<li>{_inline(text)}</li>' for text in block)}</ul>"
    return f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text))
