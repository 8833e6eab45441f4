"""What may be a student's id: one rule for those who hand in and those who grade."""

from __future__ import annotations

import unicodedata

MAX_ID = 64
_FORBIDDEN = set("/\\:*?\"<>|%+[]{},;'`$&#~^=!")
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}


class BadStudentId(ValueError):
    """What was given as a student's id cannot be one; the message says why."""


def student_id(text: str) -> str:
    """A student's id in its one form (Unicode NFC). Raises BadStudentId.

    Letters of any alphabet, digits, blanks inside and ``. _ - @ ( )`` may be in it; nothing that means something to
    a file system, a shell or nbgrader.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise BadStudentId("it is empty")
    if len(name) > MAX_ID or len(name.encode()) > 200:
        raise BadStudentId(f"it has more than {MAX_ID} characters")
    if "/" in name or "\\" in name or ".." in name:
        raise BadStudentId("it has a path in it")
    if bad := sorted({c for c in name if c in _FORBIDDEN or unicodedata.category(c)[0] == "C"}):
        raise BadStudentId(f"it has characters that no student id may have: {' '.join(map(ascii, bad))}")
    if name.startswith((".", "-")) or name.endswith("."):
        raise BadStudentId("it begins or ends with a dot, or begins with a dash")
    if name.split(".")[0].lower() in _RESERVED:
        raise BadStudentId("it is a name that Windows keeps for itself")
    return name
