"""The class report: one HTML page that needs nothing else, pictures first, and CSV files beside it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from course_lib.grading import csvs, svg
from course_lib.grading.outcome import GRADED, INFRA_ERROR, STATUSES, SubmissionResult
from course_lib.grading.records import own_code, write_whole
from course_lib.grading.scores import Score
from course_lib.grading.statistics import WEAK, TaskFacts, task_facts
from course_lib.grading.submissions import Rejected

_COLOURS = {"solved": svg.BLUE, "partly": svg.PALE, "wrong": svg.ORANGE, "unanswered": svg.GREY}
_MEANING = {
    GRADED: "ran, and has its points",
    "student_error": "ran, and something of the student's failed; the points are what the rest earned",
    "malformed": "the file was damaged; what could be read has its points",
    "timeout": "something never ended; that task has no points, the others do",
    INFRA_ERROR: "the machine failed: no score, and it will be tried again",
}


def write(
    folder: Path,
    results: Sequence[SubmissionResult],
    table: Sequence[Score],
    rejected: Sequence[Rejected],
    note: str = "",
) -> dict[str, Path]:
    """Write the page and the CSV files into a folder, unless they are there and say the same; returns where each is."""
    content = [[r.as_dict() for r in results], [asdict(s) for s in table], [asdict(r) for r in rejected], note]
    key = hashlib.sha256(json.dumps([content, own_code()], sort_keys=True).encode()).hexdigest()
    paths = {"report": folder / "report.html", **csvs.paths(folder)}
    noted = folder / ".report"
    if noted.is_file() and noted.read_text(encoding="utf-8") == key and all(path.is_file() for path in paths.values()):
        return paths
    facts = task_facts(results)
    csvs.write_all(folder, results, table, facts, rejected)
    write_whole(paths["report"], page(results, table, facts, rejected, note))
    write_whole(noted, key)
    return paths


def page(
    results: Sequence[SubmissionResult],
    table: Sequence[Score],
    facts: Sequence[TaskFacts],
    rejected: Sequence[Rejected],
    note: str = "",
) -> str:
    """The whole page."""
    modules = sorted({score.module for score in table})
    body = [f"<h1>Class report: {escape(', '.join(modules) or 'nothing graded')}</h1>"]
    body.append(f'<p class="quiet">{escape(note)}</p>' if note else "")
    body.append(_cards(results, table, rejected))
    for module in modules:
        body += _pictures(module, [s for s in table if s.module == module], [f for f in facts if f.module == module])
    body += _attention(results, rejected)
    body += _tasks(facts)
    body += _students(table)
    body += _repairs(results)
    title = f"<title>Class report {escape(', '.join(modules))}</title>"
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{title}<style>{style}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _cards(results: Sequence[SubmissionResult], table: Sequence[Score], rejected: Sequence[Rejected]) -> str:
    shares = [score.points / score.max_points for score in table if score.points is not None and score.max_points]
    statuses = Counter(result.status for result in results)
    cards = [_card(len(results), "hand-ins"), _card(len({s.student for s in table}), "students")]
    cards.append(_card(f"{sum(shares) / len(shares):.0%}" if shares else "–", "of all points, on average"))
    cards += [_card(statuses[s], s, bad=s != GRADED) for s in STATUSES if statuses[s]]
    if due := sum(score.due for score in table):
        cards.append(_card(due, "answers wait for a person"))
    if flagged := sum(bool(score.flags) for score in table):
        cards.append(_card(flagged, "hand-ins to look at", bad=True))
    if rejected:
        cards.append(_card(len(rejected), "files without a student", bad=True))
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(number: object, words: str, bad: bool = False) -> str:
    return f'<div class="card{" bad" if bad else ""}"><b>{escape(str(number))}</b>{escape(words)}</div>'


def _pictures(module: str, table: Sequence[Score], facts: Sequence[TaskFacts]) -> list[str]:
    known = [score.points for score in table if score.points is not None]
    top = max((score.max_points for score in table), default=1.0) or 1.0
    rows = [
        (f.task, [("solved", f.whole), ("partly", f.part), ("wrong", f.none), ("unanswered", f.unanswered)])
        for f in facts
    ]
    split = [(fact.task, fact.splits) for fact in facts]
    hand = "Hand-graded answers count as soon as they are graded."
    low = (
        "Correlation with the points of all other tasks: high where those who solve a task do well elsewhere. Near or "
    )
    low += "below 0 (orange): look at its tests and its wording."
    left = [_figure("Points so far", svg.histogram(known, top, "points"), hand)]
    if any(value is not None for _, value in split):
        left.append(_figure("Which tasks tell good from weak", svg.diverging(split, WEAK), low))
    right = _figure(
        "What became of each task", svg.stacked(rows, _COLOURS), "The number is the share that solved it whole."
    )
    columns = f"<div>{''.join(left)}</div><div>{right}</div>"
    return [f"<h2>{escape(module)}</h2>", f'<div class="pictures">{columns}</div>']


def _figure(title: str, drawing: str, caption: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _attention(results: Sequence[SubmissionResult], rejected: Sequence[Rejected]) -> list[str]:
    rows = []
    for result in results:
        for notebook in result.notebooks:
            where = [result.student, f"{result.module}/{notebook.name}"]
            if notebook.status in (INFRA_ERROR, "malformed", "timeout") or notebook.problem:
                why = notebook.problem or next((t.hint for t in notebook.tests if t.status == notebook.status), "")
                rows.append([*where, _mark(notebook.status), escape(why[:400])])
            for (kind, place), whats in _grouped(notebook.flags).items():
                words = "; ".join(dict.fromkeys(whats))
                rows.append([*where, _mark(kind), escape(f"{place}: {words}" if place else words)])
    rows += [[entry.origin, "", _mark("no student"), escape(entry.problem)] for entry in rejected]
    if not rows:
        return []
    explain = "A flag is a sign, not a verdict; where tests are judged on data it changes no grade."
    return ["<h2>To look at</h2>", f"<p>{explain}</p>", _table(["student", "notebook", "what", "why"], rows)]


def _grouped(flags: Iterable[dict[str, str]]) -> dict[tuple[str, str], list[str]]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for flag in flags:
        grouped.setdefault((flag["kind"], flag["where"]), []).append(flag["what"])
    return grouped


def _tasks(facts: Sequence[TaskFacts]) -> list[str]:
    rows = []
    for fact in facts:
        wrong = "<br>".join(f"{w.count} × {escape(w.text)}" for w in fact.wrong) or '<span class="quiet">none</span>'
        splits = "–" if fact.splits is None else f"{fact.splits:.2f}"
        share = f"{fact.whole / fact.students:.0%}" if fact.students else "–"
        row = [f"{fact.notebook} · <code>{escape(fact.task)}</code>", f"{fact.max_points:g}", share, splits]
        rows.append([*row, escape(fact.verdict), wrong])
    head = ["task", "points", "solved", "splits", "in words", "commonest wrong outcomes"]
    return ["<h2>Tasks</h2>", _table(head, rows, raw={0, 5}, numbers={1, 2, 3})]


def _students(table: Sequence[Score]) -> list[str]:
    rows = []
    for score in table:
        each = " · ".join(f"{n.name} {_points(n.points)} of {n.max_points:g}" for n in score.notebooks)
        whole = f"{_points(score.points)} of {score.max_points:g}"
        waits = str(score.due) if score.due else ""
        status = score.status if score.status == GRADED else _mark(score.status)
        rows.append([score.student, score.module, whole, each, status, waits, score.repairs or "", score.flags or ""])
    head = ["student", "module", "points", "by notebook", "status", "wait for a person", "repairs", "flags"]
    meaning = "; ".join(f"<b>{status}</b>: {_MEANING[status]}" for status in STATUSES)
    return ["<h2>Students</h2>", f'<p class="quiet">{meaning}.</p>', _table(head, rows, raw={4}, numbers={2, 5, 6, 7})]


def _repairs(results: Sequence[SubmissionResult]) -> list[str]:
    rows = [
        [result.student, f"{result.module}/{notebook.name}", text]
        for result in results
        for notebook in result.notebooks
        for text in notebook.repairs
    ]
    if not rows:
        return []
    return [
        "<h2>Repairs</h2>",
        "<p>None of these cost anybody a point.</p>",
        _table(["student", "notebook", "what"], rows, raw=set()),
    ]


def _table(
    head: Sequence[str], rows: Iterable[Sequence[object]], raw: set[int] | None = None, numbers: set[int] | None = None
) -> str:
    raw, numbers = raw if raw is not None else {2, 3}, numbers or set()
    kind = ['class="n"' if place in numbers else "" for place in range(len(head))]
    top = "".join(f"<th {kind[place]}>{escape(name)}</th>" for place, name in enumerate(head))
    lines = []
    for row in rows:
        cells = (str(value) if place in raw else escape(str(value)) for place, value in enumerate(row))
        lines.append("<tr>" + "".join(f"<td {kind[place]}>{cell}</td>" for place, cell in enumerate(cells)) + "</tr>")
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _mark(words: str) -> str:
    return f'<span class="mark">{escape(words)}</span>'


def _points(points: float | None) -> str:
    return "no score" if points is None else f"{points:g}"
