"""Read a notebook that a student handed in, whatever its state. Its bytes are data: nothing in it is believed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from course_lib.grading.assignment import source_of

MAX_FILE = 100 << 20
MAX_SOURCE = 200_000
MAX_CELLS = 600
FORMAT = 4


class Malformed(Exception):
    """The file is no notebook that could be read; the message says what is wrong with it."""


@dataclass
class StudentCell:
    """One cell as handed in."""

    place: int
    cell_type: str
    source: str
    id: str = ""
    grade_id: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class StudentNotebook:
    """What could be read. ``notes`` say what had to be mended to read it; ``malformed``, what was really wrong."""

    cells: list[StudentCell]
    notes: list[str] = field(default_factory=list)
    malformed: str = ""


def read(content: bytes) -> StudentNotebook:
    """The cells of a notebook's bytes. Raises Malformed."""
    data = _json(content)
    notebook = StudentNotebook([])
    major = data.get("nbformat")
    if type(major) is int and major < FORMAT:
        data = _upgraded(data, major)
        notebook.malformed = f"the notebook was in the old format {major}; it was converted to format {FORMAT}"
    elif type(major) is not int or major > FORMAT:
        notebook.malformed = f"the notebook says that its format is {str(major)[:20]}; it was read as format {FORMAT}"
    cells = data.get("cells")
    if not isinstance(cells, list):
        raise Malformed("it is JSON, but not a notebook: it has no list of cells")
    if len(cells) > MAX_CELLS:
        raise Malformed(f"it has {len(cells):,} cells; no more than {MAX_CELLS:,} are read")
    for place, raw in enumerate(cells):
        if (cell := _cell(place, raw)) is None:
            notebook.malformed = notebook.malformed or f"cell {place + 1} is damaged and was left out"
        else:
            notebook.cells.append(cell)
    _note_kernel(data.get("metadata"), notebook)
    _note_ids(notebook)
    return notebook


def _json(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_FILE:
        raise Malformed(f"it has {len(content) >> 20} MB; no more than {MAX_FILE >> 20} are read")
    if not content.strip():
        raise Malformed("the file is empty")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "a zip archive" if content[:2] == b"PK" else "not text in UTF-8"
        raise Malformed(f"it is no notebook: the file is {kind}") from error
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise Malformed("it is no notebook: its JSON is nested too deeply") from error
    except ValueError as error:
        raise Malformed(_why(text, error)) from error
    if not isinstance(data, dict):
        raise Malformed(f"it is JSON, but not a notebook: a {type(data).__name__}")
    return data


def _why(text: str, error: ValueError) -> str:
    if text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        return "it is a web page, not a notebook: the page around the notebook was saved instead of the file"
    if any(line.startswith("<<<<<<<") for line in text.splitlines()):
        return "it holds the marks of a Git conflict (<<<<<<<): two versions were merged halfway"
    if isinstance(error, json.JSONDecodeError):
        cut = "; it ends too early, cut off while it was saved or copied" if error.pos >= len(text.rstrip()) else ""
        return f"its JSON is broken in line {error.lineno}, column {error.colno} ({error.msg}){cut}"
    return f"its JSON is broken ({error})"


def _upgraded(data: dict[str, Any], major: int) -> dict[str, Any]:
    import nbformat

    try:
        return dict(nbformat.convert(nbformat.versions[major].to_notebook_json(data), FORMAT))
    except Exception as error:
        raise Malformed(f"it is a notebook of the old format {major} that cannot be converted ({error})") from error


def _cell(place: int, raw: Any) -> StudentCell | None:
    """One cell, with what can be used of it; None when there is no text."""
    if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    try:
        source = source_of(raw)
    except TypeError:
        return None
    if not isinstance(source, str) or len(source) > MAX_SOURCE:
        return None
    metadata = raw.get("metadata")
    entry = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = entry.get("grade_id") if isinstance(entry, dict) else None
    outputs = raw.get("outputs")
    return StudentCell(
        place,
        raw["cell_type"],
        source.replace("\r\n", "\n"),
        raw["id"] if isinstance(raw.get("id"), str) else "",
        grade_id if isinstance(grade_id, str) else None,
        [o for o in outputs if isinstance(o, dict)] if isinstance(outputs, list) else [],
    )


def _note_kernel(metadata: Any, notebook: StudentNotebook) -> None:
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    spec, info = (entry if isinstance(entry, dict) else {} for entry in (spec, info))
    language = str(spec.get("language") or info.get("name") or "python").lower()
    if not language.startswith(("python", "ipython")):
        name = str(spec.get("display_name") or spec.get("name") or language)[:60]
        notebook.malformed = notebook.malformed or f"the notebook was set to the kernel “{name}”; it ran with Python"
    elif spec.get("name") not in (None, "python3"):
        notebook.notes.append(f"the kernel “{str(spec['name'])[:60]}” was replaced by the course's own")


def _note_ids(notebook: StudentNotebook) -> None:
    ids = [cell.id for cell in notebook.cells if cell.id]
    if twice := len(ids) - len(set(ids)):
        notebook.notes.append(f"{twice} cell{'s' if twice > 1 else ''} had the id of another cell")
    if notebook.cells and not ids and not any(cell.grade_id for cell in notebook.cells):
        notebook.notes.append("no cell had an id; cells were recognised by their order and text")
