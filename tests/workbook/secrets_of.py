"""What a release must not hold: solutions, hidden tests, keys, reasons, mark schemes and wrong answers."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from course_lib.workbook.quiz import read_quiz

_REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)\n(.*?)### END \1", re.DOTALL)
# a line this short says nothing by itself: `return n`, `)`, `- yes`
_TELLING = 12


def secrets(module: Path) -> set[str]:
    """Every telling line that stands in a solution, a hidden test, a mark scheme or a model answer, and every reason.

    Lines that the author also shows openly in the same module are no secrets.
    """
    texts = [path.read_text(encoding="utf-8") for path in sorted(module.glob("*.md"))]
    secret = "\n".join(match[2] for text in texts for match in _REGION.finditer(text))
    opened = "\n".join(_REGION.sub("", text) for text in texts)
    solutions = [nbformat.read(path, as_version=4) for path in sorted(module.glob("*.ipynb"))]
    for notebook in solutions:
        for cell in notebook.cells:
            entry = cell.metadata.get("nbgrader", {})
            if entry.get("grade") and entry.get("solution"):
                secret += "\n" + cell.source
                for line in cell.source.splitlines():
                    opened = opened.replace(line, "", 1)
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= _TELLING}
    lines = {line for line in lines if line not in opened}
    quiz = module / "quiz.yml"
    return lines | (_reasons(quiz) if quiz.is_file() else set())


def _reasons(path: Path) -> set[str]:
    found = set()
    for question in read_quiz(path).questions:
        reasons = [question.reason] if question.type == "numeric" else question.reasons.values()
        found |= {line.strip() for reason in reasons for line in reason.splitlines() if len(line.strip()) >= _TELLING}
    return found


def leaks(module: Path, release: Path) -> list[str]:
    """Secrets found in any file of a release, in the notebooks' text as in their metadata."""
    found = []
    for path in sorted(release.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        # in JSON a quote is written \" and a line break \n
        plain = text.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
        found += [f"{path.name}: {secret}" for secret in sorted(secrets(module)) if secret in plain]
        markers = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME")
        found += [f"{path.name}: {marker}" for marker in markers if marker in plain]
    return found
