"""What ``course grade`` begins before its command line is understood, which takes a fifth of a second.

The libraries that students' processes are forked with take longest of all; importing them can begin at once, as long
as nothing in the command line says that they are not wanted here.
"""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.grading.nurseries import Nursery

_OTHERWISE = ("--help", "--jobs", "--scheduler")

_begun: Nursery | None = None


def begin(words: Sequence[str]) -> None:
    """Start a nursery for the words behind ``course grade``. One that nobody takes ends with this process."""
    global _begun
    if any(word.startswith(_OTHERWISE) for word in words):
        return
    from course_lib.grading.nurseries import Nursery, cores

    _begun = Nursery(cores(), sandboxed="--unsafe" not in words)
    atexit.register(_begun.__exit__)


def nursery() -> Nursery | None:
    """The nursery that was started, for the first who asks."""
    global _begun
    begun, _begun = _begun, None
    return begun
