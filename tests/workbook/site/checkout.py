"""A checkout small enough to become a site in seconds: one module of three notebooks, and a start page."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

MODULE = "01_small"
ALT = "Two hills, the left one higher."
QUIZ = """title: Quiz 1 · Small
questions:
- id: graded
  type: single
  question: Which is graded?
  options: {a: this one, b: that one}
  key: b
  reasons: {a: SECRET of a, b: SECRET of b}
practice:
- id: pick
  type: single
  question: Which is `first`?
  options: {a: alpha, b: beta}
  key: a
  reasons: {a: Right. It begins., b: It comes second.}
- id: tick
  type: multiple
  question: Which are even?
  options: {a: two, b: three, c: four}
  key: [a, c]
  reasons: {a: Right. Two., b: Odd., c: Right. Four.}
- id: count
  type: numeric
  question: How many rides?
  key: 12.5
  tolerance: 0.1
  unit: rides
  reason: Count them.
"""
_START = """# Start

1. [Lesson](01_small/lesson.ipynb), [Quiz](01_small/quiz.ipynb), [glossary](glossary.ipynb)
"""
_LESSON = """# 1 · A small lesson

```mermaid
flowchart LR
    accTitle: From one to the other
    one --> other
```

🔔 **ride**: What a rider takes.

- [ ] Say what a ride is

**Next:** the [exercises](exercises.ipynb).
"""
_NAVIGATION = "[Start page](../start.ipynb) · **Lesson** · [Exercises](exercises.ipynb) · [Quiz](quiz.ipynb)"


def write(root: Path, *, solutions: bool = True) -> Path:
    """Write the checkout; without ``solutions`` it is a student's. Returns its folder."""
    lesson, release = root / "solutions" / MODULE, root / "modules" / MODULE
    _save(root / "modules" / "start.ipynb", [new_markdown_cell(_START)])
    _save(release / "lesson.ipynb", _lesson(outputs=False))
    _save(release / "exercises.ipynb", _exercises())
    _save(release / "quiz.ipynb", _quiz())
    if solutions:
        _save(lesson / "lesson.ipynb", _lesson(outputs=True))
        (lesson / "quiz.yml").write_text(QUIZ, encoding="utf-8")
    return root


def edit_lesson(root: Path, old: str, new: str) -> None:
    """Replace a piece of the lesson's text (in solutions/)."""
    path = root / "solutions" / MODULE / "lesson.ipynb"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{text.count(old)} times: {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


def _save(path: Path, cells: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    language = {"name": "python", "pygments_lexer": "ipython3"}
    nbformat.write(new_notebook(cells=cells, metadata={"language_info": language}), path)


def _lesson(*, outputs: bool) -> list:
    cells = [new_markdown_cell(_NAVIGATION), new_markdown_cell(_LESSON)]
    cells.append(new_code_cell("draw()", metadata={"alt": ALT}))
    if outputs:
        cells[-1].outputs = [
            new_output("display_data", data={"image/png": _png()}),
            new_output("stream", name="stdout", text="7 rides\n"),
        ]
    return cells


def _exercises() -> list:
    mark = {"grade": True, "locked": True, "grade_id": "double-test", "points": 1, "schema_version": 3}
    test = new_code_cell("assert double(2) == 4", metadata={"nbgrader": {**mark, "solution": False, "task": False}})
    return [new_markdown_cell("# Exercises 1\n\n## Task 1\n\nDouble it."), new_code_cell("# YOUR CODE HERE"), test]


def _quiz() -> list:
    mark = {"locked": True, "grade": False, "solution": False, "task": False, "schema_version": 3}
    text = "## Question 1\n\n*1 point · one answer*\n\nWhich is graded?\n\n- **a** · this one\n- **b** · that one"
    question = new_markdown_cell(text, metadata={"nbgrader": {**mark, "grade_id": "graded-question"}})
    answer = new_code_cell("graded = None")
    return [new_markdown_cell("# Quiz 1 · Small\n\nAnswer each in the cell below it."), question, answer]


def _png() -> str:
    """A grey dot, as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0\x80")), chunk(b"IEND", b"")]
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()
