"""What a submission may use while it is graded. Sizes are in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Limits for one notebook of one student.

    ``cell_seconds`` is for one cell, or one test with every call that it makes; ``notebook_seconds`` for all of
    them together. ``memory_bytes`` is for the student's processes together, ``file_bytes`` for what they write.
    """

    cell_seconds: float = 60.0
    notebook_seconds: float = 300.0
    memory_bytes: int = 2048 * MB
    processes: int = 128
    file_bytes: int = 256 * MB
    output_bytes: int = MB

    def as_dict(self) -> dict[str, Any]:
        """For messages and for the fingerprint of a grade."""
        return asdict(self)
