"""The autograded notebook: what formgrader shows, and what feedback is made from.

Hidden tests are not in it, neither as source nor in a traceback: whatever command makes a page of it, no student
can read one there. Instructors have them in ``solutions/``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from course_lib.grading.assignment import ANSWER, TEST, WRITTEN, Cell
from course_lib.grading.outcome import STUDENT_ERROR, TIMEOUT, NotebookResult, TestOutcome
from course_lib.grading.outputs import clean_outputs, clean_text, keep_seen
from course_lib.grading.rebuild import Part

_HIDDEN = "# (Hidden tests ran here.)"
_KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def autograded(
    parts: list[Part],
    result: NotebookResult,
    replies: Mapping[int, dict[str, Any]],
    verdicts: Mapping[str, dict[str, Any]],
) -> str:
    """The rebuilt notebook with its outputs, as the text of a file in notebook format 4.5."""
    outcomes = {test.grade_id: test for test in result.tests}
    cells = [_notes(result)] if result.repairs or result.problem else []
    for place, part in enumerate(parts):
        reply = replies.get(place)
        if part.cell is not None and part.cell.kind == TEST:
            cells.append(_test(part.cell, outcomes[part.cell.name], verdicts.get(part.cell.name, {})))
        elif part.is_code:
            cells.append(_code(part, clean_outputs(reply["outputs"]) if reply else _as_seen(part), ran=bool(reply)))
        else:
            cells.append(_text(part))
    _number(cells)
    metadata = {"kernelspec": _KERNELSPEC, "language_info": {"name": "python"}}
    rest = {"metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    # a cell a line: with indentation, Python writes JSON six times as slowly
    lines = ",\n".join(json.dumps(cell, ensure_ascii=False, sort_keys=True) for cell in cells)
    return f'{{"cells": [\n{lines}\n],\n{json.dumps(rest, sort_keys=True)[1:]}\n'


def _notes(result: NotebookResult) -> dict[str, Any]:
    lines = [f"- {text}" for text in ([result.problem] if result.problem else []) + result.repairs]
    text = "**What the grader found in this file**\n\n" + clean_text("\n".join(lines))
    return {"cell_type": "markdown", "id": "grading-notes", "metadata": {}, "source": text}


def _code(part: Part, outputs: list[dict[str, Any]], *, ran: bool) -> dict[str, Any]:
    source = part.source if part.cell is None or part.cell.kind in (ANSWER, WRITTEN) else part.cell.released
    if not ran and outputs:
        note = "(not run again, since no grade depends on it; this is the output in the file that was handed in)\n"
        outputs = [{"output_type": "stream", "name": "stdout", "text": note}, *outputs]
    return {
        "cell_type": "code",
        "id": part.cell.id if part.cell else f"added-{part.given.place if part.given else 0}",
        "metadata": _metadata(part.cell),
        "source": source,
        "outputs": outputs,
        "execution_count": None,
    }


def _text(part: Part) -> dict[str, Any]:
    assert part.cell is not None
    own = part.cell.kind == WRITTEN
    source = clean_text(part.source) if own else part.cell.released
    return {"cell_type": part.cell.cell_type, "id": part.cell.id, "metadata": _metadata(part.cell), "source": source}


def _test(cell: Cell, outcome: TestOutcome, verdict: Mapping[str, Any]) -> dict[str, Any]:
    source = cell.released + (f"\n\n{_HIDDEN}" if cell.hidden_lines else "")
    outputs: list[dict[str, Any]] = []
    if printed := str(verdict.get("printed") or ""):
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed})
    if outcome.hint:
        name = outcome.error or {STUDENT_ERROR: "Error", TIMEOUT: "Timeout"}.get(outcome.status, "AssertionError")
        where = ["(in a hidden test)"] if outcome.hidden else []
        outputs.append(
            {"output_type": "error", "ename": name, "evalue": outcome.hint, "traceback": [*where, outcome.hint]}
        )
    elif outcome.points is not None and 0 < outcome.points < outcome.max_points:
        data = {"text/plain": f"{outcome.points:g}"}
        outputs.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None})
    return {
        "cell_type": "code",
        "id": cell.id,
        "metadata": _metadata(cell),
        "source": source,
        "outputs": clean_outputs(outputs),
        "execution_count": None,
    }


def _as_seen(part: Part) -> list[dict[str, Any]]:
    """For a cell that was not run: what the student saw there."""
    return keep_seen(part.given.outputs) if part.given is not None and part.given.cell_type == "code" else []


def _metadata(cell: Cell | None) -> dict[str, Any]:
    if cell is None:
        return {}
    kept = {key: value for key, value in cell.metadata.items() if key in ("nbgrader", "tags")}
    if cell.grade_id:
        kept |= {"deletable": False, "editable": False}
    return kept


def _number(cells: list[dict[str, Any]]) -> None:
    """Count the code cells, and give every cell an id of its own, at most 64 characters long."""
    seen: set[str] = set()
    count = 0
    for place, cell in enumerate(cells):
        if not cell["id"] or cell["id"] in seen or len(cell["id"]) > 64:
            cell["id"] = f"cell-{place}"
        seen.add(cell["id"])
        if cell["cell_type"] == "code" and cell["source"].strip():
            count += 1
            cell["execution_count"] = count
            for output in cell["outputs"]:
                if output["output_type"] == "execute_result":
                    output["execution_count"] = count
