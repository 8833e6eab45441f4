"""Small projects to assess, from nothing upwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

README = (
    "# Ride times\n\nHow long will a taxi ride take? This project trains a model on one month of trips and "
    "answers for a pickup zone, a drop-off zone and a time. The month comes from public files.\n\n"
    "```\npip install -r requirements.txt\npython rides/train.py\n```\n"
)
MODULE = '''import pandas as pd


def minutes(rides):
    """Minutes of each ride."""
    taken = pd.to_datetime(rides["off"]) - pd.to_datetime(rides["on"])
    return taken.dt.total_seconds() / 60
'''
TEST = """import pandas as pd

from rides.times import minutes


def test_minutes():
    rides = pd.DataFrame({"on": ["2021-01-01 10:00"], "off": ["2021-01-01 10:12"]})
    assert minutes(rides).tolist() == [12.0]
"""
WORKFLOW = "on: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pytest -q\n"
MANAGED = {
    ".gitignore": "data/\n*.db\n",
    "README.md": README,
    "requirements.txt": "pandas==3.0.6\nnumpy==2.4.6 --hash=sha256:aa\n",
    "rides/__init__.py": "",
    "rides/times.py": MODULE,
}
CHECKED = {**MANAGED, "tests/test_times.py": TEST, ".github/workflows/ci.yml": WORKFLOW}


def write(folder: Path, files: Mapping[str, str | dict]) -> Path:
    """Write texts (and JSON, where the content is a dictionary) under ``folder``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8", newline="\n")
    return folder


def git(folder: Path, *words: str) -> str:
    """Run git in ``folder``, the same on every machine."""
    quiet = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main", "-c", "core.hooksPath="]
    done = subprocess.run(["git", *quiet, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, *words: str) -> Path:
    """All that isn't ignored, in one commit of a new repository; ``words`` go to ``git init``."""
    git(folder, "init", "-q", *words)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def notebook(*cells: str) -> dict:
    """A notebook with these code cells."""
    code = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": s, "outputs": [], "execution_count": n}
        for n, s in enumerate(cells)
    ]
    return {"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
