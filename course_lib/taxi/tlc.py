"""Download from the TLC: to come."""

from pathlib import Path
from course_lib.taxi import months


def published() -> list[str]:
    return months.months("2014-01", "2026-08")


def download(month: str, folder: Path, progress: bool = False) -> Path:
    raise NotImplementedError
