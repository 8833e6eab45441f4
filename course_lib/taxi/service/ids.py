"""Names that nothing else has: for requests and predictions."""

from __future__ import annotations

import os
import random

# Asking the system for randomness costs more than all else that a ride's id takes. Seeded from it once, a process's
# own generator never gives the same 128 bits twice, nor those of another; a forked process starts anew.
_random = random.Random()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """32 hexadecimal digits. Unique, but no secret: who has seen many can guess the next."""
    return f"{_random.getrandbits(128):032x}"
