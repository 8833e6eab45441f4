"""A mark in a place by which a worker elsewhere knows that it sees the same place as who asked it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from course_lib.taxi.storage import Place, StorageError


@dataclass(frozen=True)
class Sign:
    """The mark ``name`` in ``place``."""

    place: Place
    name: str

    def checked(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the function where the mark can be seen. Raises StorageError where it can't."""
        if self.place.read(self.name) is None:
            raise StorageError(not_seen(self.place))
        return function(*arguments)


def not_seen(place: Place) -> str:
    """What to tell people whose workers look elsewhere."""
    if place.is_remote:
        return (
            f"This worker sees another {place} than the one that the work is for. Give it the same store (endpoint "
            "and keys) as here."
        )
    return (
        f"This worker doesn't see the folder {place} that the work is in. Workers of a cluster must see the same files "
        "under the same path (a shared disk), or work in a store: s3://bucket/folder."
    )


@contextlib.contextmanager
def signed(place: Place) -> Iterator[Sign]:
    """A mark in ``place``, which is gone when the block ends."""
    sign = Sign(place, f".sign-{uuid.uuid4().hex}")
    place.write(sign.name, b"course\n")
    try:
        yield sign
    finally:
        place.remove(sign.name)
