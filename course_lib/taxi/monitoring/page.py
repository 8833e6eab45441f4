"""The dashboard: one page, pictures first, one screen at 1280 × 800, that asks nobody for anything."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from course_lib.errors import CourseError
from course_lib.taxi.monitoring import charts, drift
from course_lib.taxi.monitoring.alerts import Alert
from course_lib.taxi.monitoring.watch import MonitorResult
from course_lib.taxi.months import listed
from course_lib.taxi.pipeline_files import replacing

PAGE, DATA = "index.html", "monitoring.json"
_STYLE = """
:root { color-scheme: light; }
body { margin: 0; padding: 10px 16px; background: #fff; color: #2b2f36; font: 14px/1.35 system-ui, sans-serif; }
h1 { font-size: 19px; margin: 0; } h2 { font-size: 16px; margin: 18px 0 6px; }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }
header p { margin: 0; color: #555b66; }
.state { font-weight: 700; padding: 2px 10px; border-radius: 4px; border: 2px solid; }
.bad { color: #a33c00; border-color: #d55e00; background: #fff4ec; }
.good { color: #00664a; border-color: #009e73; background: #effaf6; }
.tiles { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0; }
.tile { flex: 1 1 130px; border: 1px solid #d5d8dd; border-radius: 6px; padding: 4px 10px; }
.tile b { display: block; font-size: 18px; } .tile span { color: #555b66; font-size: 12.5px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 1fr)); gap: 6px 10px; }
.pictures svg { width: 100%; height: auto; display: block; }
.alert { border-left: 4px solid #d55e00; padding: 2px 12px; margin: 8px 0; }
.alert.over { border-color: #b8bcc4; } .alert p { margin: 2px 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid #e8eaee; } th:first-child { text-align: left; }
"""


def write(result: MonitorResult, folder: str | Path, at: datetime | None = None) -> tuple[Path, Path]:
    """Write index.html and monitoring.json to ``folder`` and return their paths. Raises CourseError."""
    home = Path(folder)
    texts = {PAGE: page(result, at), DATA: json.dumps(result.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)}
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with replacing(home / name) as part:
                part.write_bytes(text.encode())
    except OSError as error:
        raise CourseError(f"The dashboard can't be written to {home}: {error.strerror or error}.") from error
    return home / PAGE, home / DATA


def page(result: MonitorResult, at: datetime | None = None) -> str:
    """The whole page as HTML; ``at`` (UTC) is when it was made, now by default."""
    made = (at or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    standing = result.standing
    state = f"{len(standing)} alert{'s' if len(standing) > 1 else ''} standing" if standing else "no alert stands"
    if not result.weeks["enough"].any():
        state += ", but no week has labels enough to know the error"
    told = "".join(_alert(one) for one in reversed(result.alerts)) or "<p>None was raised in these months.</p>"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Taxi model: {state}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head>
<body><header><h1>Taxi model, {html.escape(listed(result.months))}</h1>
<span class="state {"bad" if standing else "good"}">{state}</span>
<p>{html.escape(f"{result.model}; reference {result.reference}; trips: {_place(result.source)}; {made}")}</p></header>
<div class="tiles">{_tiles(result)}</div>
<main class="pictures">{"".join(_pictures(result))}</main>
<h2>Alerts</h2>{told}
<h2>Months</h2><div class="wide">{_table(result)}</div>
<p>{html.escape(str(result.account))}. {result.out_of_month:,} rows picked up in another month than their file's are
left out. Baseline: {html.escape(result.baseline.how)}.</p>
</body></html>
"""


def _pictures(result: MonitorResult) -> list[str]:
    rule = {story.rule.name: story.rule for story in result.stories}
    month, table = list(result.month_drift.items())[-1]
    told = result.weeks[result.weeks["enough"]]
    drifted = [str(name) for name in table.index[table["verdict"].isin(["some", "much"])]]
    worst = result.drift["psi"].max()
    where = charts.error_by_slice(result.slices, _last_labelled(result))
    made = [
        (
            charts.ratio(result.weeks, result.baseline, rule.get("ratio")),
            f"RMSE divided by standard deviation by week, {_span(told['ratio'])}; baseline {result.baseline.ratio:.2f}",
        ),
        (
            charts.error(result.weeks),
            f"By week: RMSE, {_span(told['rmse'])} minutes; standard deviation, {_span(told['sd'])} minutes",
        ),
        (charts.bias(result.weeks, rule.get("bias")), f"Bias by week, {_span(told['bias'])} minutes"),
        (
            charts.drift_by_week(result.drift, rule.get("drift")),
            "Drift by week of distance, boroughs and prediction, "
            + ("not known: too few rides" if pd.isna(worst) else f"PSI up to {worst:.2f}"),
        ),
        (
            charts.drift_by_feature(table, month),
            f"Drift by feature in {month}; drifted: {', '.join(drifted) or drift.NONE}",
        ),
        (where, f"RMSE by pickup borough and length of ride in {_last_labelled(result)}"),
    ]
    return [charts.svg(figure, words) for figure, words in made]


def _tiles(result: MonitorResult) -> str:
    told = result.weeks[result.weeks["enough"]]
    now = told.iloc[-1] if len(told) else None
    drifted = result.drift.dropna(subset="psi")
    tiles = {
        "predictions": f"{result.account.labelled + result.account.waiting:,}",
        "have a label": "–" if result.account.share != result.account.share else f"{result.account.share:.0%}",
        "RMSE, last week": "no labels" if now is None else f"{now['rmse']:.1f} min",
        "RMSE ÷ std. dev., last week": "no labels" if now is None else f"{now['ratio']:.2f}",
        "bias, last week": "no labels" if now is None else f"{now['bias']:+.1f} min",
        "most drift, last week": "too few rides"
        if drifted.empty
        else f"PSI {drifted[drifted['start'] == drifted['start'].max()]['psi'].max():.2f}",
    }
    return "".join(f'<div class="tile"><b>{value}</b><span>{name}</span></div>' for name, value in tiles.items())


def _alert(one: Alert) -> str:
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in str(one).splitlines())
    return f'<div class="alert{" over" if one.cleared is not None else ""}">{lines}</div>'


def _table(result: MonitorResult) -> str:
    heads = (
        "month",
        "predictions",
        "labels",
        "RMSE (min)",
        "95 % interval",
        "std. dev. (min)",
        "ratio",
        "bias (min)",
        "R²",
    )
    rows = []
    for start, row in result.by_month.iterrows():
        cells = [f"<th>{start:%Y-%m}</th>", f"<td>{row['predictions']:,}</td>", f"<td>{row['n']:,}</td>"]
        if row["enough"]:
            interval = f"{row['rmse_low']:.2f}–{row['rmse_high']:.2f}"
            values = [f"{row['rmse']:.2f}", interval, f"{row['sd']:.2f}", f"{row['ratio']:.3f}"]
            values += [f"{row['bias']:+.2f}", f"{row['r2']:.3f}"]
        else:
            values = ["too few", *[""] * 5]
        rows.append("".join(cells + [f"<td>{value}</td>" for value in values]))
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _last_labelled(result: MonitorResult) -> str:
    told = result.by_month[result.by_month["n"] > 0]
    return f"{(told if len(told) else result.by_month).index[-1]:%Y-%m}"


def _span(values: pd.Series) -> str:
    return "no labels yet" if values.dropna().empty else f"{values.min():.2f} to {values.max():.2f}"


def _place(source: str) -> str:
    return source if source in ("simulated", "tlc") else f"folder {Path(source).name}"
