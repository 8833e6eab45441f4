"""Small words for findings."""

from __future__ import annotations


def count(number: int, what: str) -> str:
    """``1 file``, ``1,200 files``."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def more(names: list[str]) -> str:
    """What follows the first of several names."""
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
