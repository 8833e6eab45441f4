"""Who gets which model while a challenger is tried out: nobody, everybody unseen (shadow), or a fixed share (canary).

The plan lies in the registry, as a tag of the model, so that a running service sees it change:
``off``, ``shadow``, or ``canary 0.1`` for a tenth of the riders.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from course_lib.errors import UsageError

TAG = "rollout"


@dataclass(frozen=True)
class Plan:
    """``mode`` off, shadow or canary; ``share`` of the riders (0…1) who get the challenger in a canary."""

    mode: Literal["off", "shadow", "canary"] = "off"
    share: float = 0.0

    def __str__(self) -> str:
        return f"canary {self.share:g}" if self.mode == "canary" else self.mode

    def gives_challenger(self, rider: str) -> bool:
        """Whether this rider's answer comes from the challenger: always the same for one rider and share.

        A rider who has the challenger at 10 % keeps it at 20 %.
        """
        return self.mode == "canary" and position(rider) < self.share


def parse(text: str | None) -> Plan:
    """The plan that a tag holds; none means off. Raises UsageError for what is no plan."""
    words = (text or "off").split()
    if words in (["off"], ["shadow"]):
        return Plan(words[0])  # type: ignore[arg-type]
    try:
        kind, share = words
        number = float(share.removesuffix("%")) / (100 if share.endswith("%") else 1)
    except ValueError:
        kind, number = "", 0.0
    if kind != "canary" or not 0 < number < 1:
        raise UsageError(
            f"A roll-out is off, shadow, or canary with a share between 0 and 1 (canary 0.1), not '{text}'."
        )
    return Plan("canary", number)


def position(rider: str) -> float:
    """Where a rider stands between 0 and 1: evenly spread, the same in every process, on every day."""
    digest = hashlib.sha256(f"rollout:{rider}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
