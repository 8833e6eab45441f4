"""Tell a student what an update did with files that they had worked in, and keep that beside the modules."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from course_lib.workbook.files import write_text
from course_lib.workbook.handout import HandOut

NOTE = "modules/UPDATES.md"


def told(done: HandOut) -> list[str]:
    """Sentences for a person; the first says in one line what came of it."""
    if done.first:
        return [f"The course is here: {len(done.renewed)} files."]
    if not done.anything:
        return ["Nothing new."]
    lines = [f"{len(done.renewed)} files renewed, {len(done.merged) + len(done.beside)} that you had worked in."]
    kept = [f"{name}: renewed, with your answers in it. As it was before: {done.saved[name]}" for name in done.merged]
    new = [f"{name}: yours stayed as it is. The new one lies beside it: {at}" for name, at in done.beside.items()]
    return [*lines, *kept, *new]


def write_note(folder: Path, done: HandOut, now: datetime | None = None) -> None:
    """Add to the student's list of updates whatever concerns files of theirs; nothing otherwise."""
    if done.first or not (done.merged or done.beside):
        return
    path = folder / NOTE
    earlier = path.read_text(encoding="utf-8") if path.is_file() else "# Updates of your copy\n"
    entries = "\n".join(f"- {line}" for line in told(done)[1:])
    write_text(path, f"{earlier.rstrip()}\n\n## {now or datetime.now():%Y-%m-%d %H:%M}\n\n{entries}\n")
