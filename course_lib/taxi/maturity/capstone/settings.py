"""capstone.toml: where the checks find a student's functions, commands and files."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from course_lib.errors import CourseError

NAME = "capstone.toml"
_FUNCTIONS = ("split", "train", "predict", "service")
_PATHS = ("data", "state", "tracking", "audit", "card", "report")


class NotSettled(CourseError):
    """capstone.toml is missing, can't be read, or lacks what a check needs."""


@dataclass(frozen=True)
class Settings:
    """The entries of capstone.toml; empty where there is none yet."""

    split: str = ""
    train: str = ""
    predict: str = ""
    service: str = ""
    pipeline: str = ""
    monitor: str = ""
    data: str = "data/trips.csv"
    state: str = "state"
    tracking: str = "state/mlflow"
    audit: str = "state/mlflow/audit.jsonl"
    card: str = ""
    report: str = ""
    model: str = "taxi-duration"

    def need(self, *names: str) -> None:
        """Raises NotSettled when one of these is empty."""
        if lacking := [name for name in names if not getattr(self, name)]:
            raise NotSettled(f"{NAME} has no entry “{lacking[0]}”: TASK.md says what belongs there")


def read(folder: Path) -> Settings:
    """The settings in ``folder``. Raises NotSettled, which says what is wrong."""
    path = folder / NAME
    if not path.is_file():
        raise NotSettled(f"there is no {NAME}: write it as TASK.md says, entry by entry")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise NotSettled(f"{NAME} can't be read: {error}") from error
    known = {one.name for one in fields(Settings)}
    if strange := sorted(content.keys() - known):
        raise NotSettled(
            f"{NAME} has an entry “{strange[0]}” that nobody asks for; there are: {', '.join(sorted(known))}"
        )
    for name, value in content.items():
        if not isinstance(value, str):
            raise NotSettled(f"{NAME}: “{name}” must be a text in quotes")
        if name in _FUNCTIONS and value and not re.fullmatch(r"[\w.]+:[\w.]+", value):
            raise NotSettled(f"{NAME}: “{name}” must look like package.module:function, not {value}")
        if name in _PATHS and value and not _is_inside(value):
            raise NotSettled(f"{NAME}: “{name}” must be a path inside of the folder, not {value}")
    return Settings(**content)


def _is_inside(value: str) -> bool:
    path = Path(value)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and ":" not in value


def command(text: str, *more: str) -> list[str]:
    """The words of a command; ``python`` means the Python that is running now."""
    words = shlex.split(text)
    if words and words[0] in ("python", "python3", "py"):
        words[0] = sys.executable
    return [*words, *more]
