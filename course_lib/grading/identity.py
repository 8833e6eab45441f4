"""Who handed in, and which notebook it is: from names of files where they tell, else from what is in them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from course_lib.grading.assignment import Assignment

_NUMBERED_COPY = re.compile(r"[ _.-]*(\(\d+\)|copy\d*|kopie|final|v\d+)$", re.IGNORECASE)
_ENOUGH_CELLS = 0.3


@dataclass(frozen=True)
class FileName:
    """What a file's name says: a student, and perhaps a module and a notebook."""

    student: str
    module: str | None = None
    notebook: str | None = None


def read_file_name(stem: str, assignments: Sequence[Assignment]) -> FileName:
    """Take the words that mean a notebook or a module off the end of a name; what is left is the student."""
    notebooks = {a.name.lower(): a.name for a in assignments}
    modules: dict[str, str] = {}
    for a in assignments:
        modules |= {a.module.lower(): a.module, a.module[:2]: a.module, a.module[3:].lower(): a.module}
    left, module, notebook = stem, None, None
    while True:
        left = _NUMBERED_COPY.sub("", left) if notebook is None and module is None else left
        for words, kind in ((notebooks, "notebook"), (modules, "module")):
            found = next((w for w in sorted(words, key=len, reverse=True) if w and _ends_with(left, w)), None)
            if found is None or (notebook if kind == "notebook" else module) is not None:
                continue
            left = left[: -len(found)].rstrip(" _.-")
            if kind == "notebook":
                notebook = words[found]
            else:
                module = words[found]
            break
        else:
            return FileName(left, module, notebook)


def recognise(content: bytes, assignments: Sequence[Assignment]) -> Assignment | None:
    """Which notebook this is, from what a release notes in its metadata, or else from its cells' ids."""
    try:
        data = json.loads(content)
        cells = [cell for cell in data.get("cells", []) if isinstance(cell, dict)]
        metadata = data.get("metadata")
    except (ValueError, AttributeError, RecursionError, TypeError):
        return None
    noted = metadata.get("course") if isinstance(metadata, dict) else None
    if isinstance(noted, dict):
        for assignment in assignments:
            if (noted.get("module"), noted.get("notebook")) == (assignment.module, assignment.name):
                return assignment
    ids = {str(cell.get("id")) for cell in cells}
    for cell in cells:
        entry = cell.get("metadata", {}).get("nbgrader") if isinstance(cell.get("metadata"), dict) else None
        ids.add(str(entry.get("grade_id")) if isinstance(entry, dict) else "")
    shares = [(len(ids & {c.name for c in a.cells}) / len(a.cells), a) for a in assignments]
    best = max(shares, key=lambda pair: pair[0], default=(0.0, None))
    return best[1] if best[0] >= _ENOUGH_CELLS else None


def nearest(stem: str, assignments: Sequence[Assignment]) -> Assignment | None:
    """The notebook whose name is most like this one's (``Exercises (1)``, ``exercise``)."""
    plain = _NUMBERED_COPY.sub("", stem).lower()
    by_name = {a.name.lower(): a for a in assignments}
    near = difflib.get_close_matches(plain, by_name, n=1, cutoff=0.7)
    contained = [name for name in by_name if name in plain]
    found = near or contained
    return by_name[found[0]] if found else None


def _ends_with(text: str, word: str) -> bool:
    head = text[: -len(word)]
    return text.lower().endswith(word) and (not head or head[-1] in " _.-")
