"""A course so small that it builds in seconds: a lesson, two tasks, a written answer, three questions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = "01_small"

HEADER = """---
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
title: {title}
summary: What it is about.
minutes: 20
---
"""

LESSON = (
    HEADER.format(title="A small lesson")
    + """
# A small lesson

```{code-cell} python
:tags: [parameters]

count = 3
```

```{code-cell} python
print("rides:", count)
```

The end.
"""
)

EXERCISES = (
    HEADER.format(title="Small exercises")
    + """
# Exercises

```{code-cell} python
:answer: double

def double(n):
    ### BEGIN SOLUTION
    twice = n + n
    return twice
    ### END SOLUTION
```

```{code-cell} python
:test: double
:points: 6

assert double(2) == 4, f"Expected 4 for 2, got {double(2)}. Hint: add it to itself."
### BEGIN HIDDEN TESTS
assert double(-41) == -82, f"Expected -82 for -41, got {double(-41)}. Hint: negative numbers too."
### END HIDDEN TESTS
```

```{code-cell} python
:test: double
:case: text
:points: 2

assert double("ab") == "abab", f"Expected 'abab' for 'ab', got {double('ab')!r}. Hint: don't turn it into a number."
```

```{code-cell} python
:answer: stage

### BEGIN SOLUTION
stage = "monitoring"
### END SOLUTION
```

```{code-cell} python
:test: stage
:points: 8

assert isinstance(stage, str), f"Expected the name of a stage, got {stage!r}. Hint: it is a text."
### BEGIN HIDDEN TESTS
_credit = {"monitoring": 8, "evaluation": 2}.get(stage, 0)
assert _credit, f"{stage} is not the stage. Hint: it is live already."
_credit
### END HIDDEN TESTS
```

+++ {"written": "worth_it", "points": 4}

Because riders gain a quarter of an hour.

### BEGIN MARK SCHEME
- 2 points: names who gains
### END MARK SCHEME

+++

The end.
"""
)

WRONG_ANSWERS = {
    "double_zero.py": ("double", 8, "Gives nothing back.", "def double(n):\n    return 0\n"),
    "double_absolute.py": (
        "double",
        6,
        "Loses the sign.",
        "def double(n):\n    return n + n if n == 2 or n == 'ab' else 1\n",
    ),
    "double_numbers.py": ("double", 2, "Numbers only.", "def double(n):\n    return 2 * int(n) if n != 'ab' else 0\n"),
    "stage_close.py": ("stage", 6, "One stage early.", 'stage = "evaluation"\n'),
    "stage_far.py": ("stage", 8, "The first stage.", 'stage = "planning"\n'),
    "stage_number.py": ("stage", 8, "A number.", "stage = 6\n"),
}

QUIZ = """title: A small quiz
questions:
- id: leak
  type: single
  question: What may the deployed model know?
  options: {a: the fare, b: the zones, c: "no, nothing"}
  key: b
  reasons:
    a: The fare is told after the ride has ended.
    b: "The rider typed the \\"zones\\" {both}."
    c: That is what the mean model knows.
  points: 3
- id: tools
  type: multiple
  question: |
    Which of these keep runs?

    ```python
    mlflow.start_run()
    ```
  options: {a: tracker, b: spreadsheet, c: registry, d: memory}
  key: [a, c]
  reasons: {a: A tracker keeps them., b: Nobody fills it in., c: A registry points at them., d: It forgets overnight.}
  points: 4
- id: error
  type: numeric
  question: How large is the error?
  key: 12.5
  tolerance: 0.1
  unit: minutes
  reason: It is the root of the mean of the squares.
  points: 3
"""

START = (
    HEADER.format(title="Start")
    + """
# Start

<!-- modules -->
"""
)


def write(root: Path) -> Path:
    """Write the course's text, and nbgrader's settings as they are in the project; returns the folder."""
    module = root / "solutions" / MODULE
    (module / "wrong_answers").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    texts = {"lesson.md": LESSON, "exercises.md": EXERCISES, "quiz.yml": QUIZ}
    for name, text in texts.items():
        (module / name).write_text(text, encoding="utf-8")
    for name, (task, loses, why, code) in WRONG_ANSWERS.items():
        header = f"# task: {task}\n# loses: {loses}\n# why: {why}\n\n"
        (module / "wrong_answers" / name).write_text(header + code, encoding="utf-8")
    (root / "solutions" / "start.md").write_text(START, encoding="utf-8")
    return root


def edit(path: Path, old: str, new: str) -> None:
    """Replace the only occurrence of a piece of a text file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{text.count(old)} times in {path}: {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


def edit_cell(path: Path, grade_id: str, source: str) -> None:
    """Change one cell of a notebook file, as JupyterLab would save it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)
    cell["source"] = source.splitlines(keepends=True)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def files_of(root: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
