"""Holding a place in an object store: stores have no locks, but they can make an object only if there is none yet.

The object says who holds the place, and its holder renews it every few seconds. Where it hasn't been renewed for
:data:`DEAD` seconds, watched by the one who waits (clocks of two machines differ), its holder was killed, and it is
taken over. A holder that finds another's name in it raises. Steps write the same bytes whoever does them, so even two
that worked at once would not harm the state.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from course_lib.errors import CourseError
from course_lib.taxi.pipeline_files import Busy
from course_lib.taxi.storage import Place

RENEW, DEAD = 5.0, 30.0
_LOOK = 0.5


@contextlib.contextmanager
def held(
    place: Place, name: str, who: str, wait: float, busy: Callable[[str], str], renew: float = RENEW, dead: float = DEAD
) -> Iterator[None]:
    """Hold ``place`` by the object ``name``, signed ``who`` (a line that no other holder has).

    Waits up to ``wait`` seconds for another holder, and for the signs of life of one that may be dead. Raises Busy
    with the words of ``busy``, which gets the holder's line.
    """
    _take(place, name, who, wait, busy, dead)
    stop, beats = threading.Event(), [0]

    def keep() -> None:
        while not stop.wait(renew):
            with contextlib.suppress(CourseError):  # the store may be away for a while
                if _line(place.read(name)) == who:
                    beats[0] += 1
                    place.write(name, f"{who}\n{beats[0]}\n".encode())

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if _line(place.read(name)) == who:
            place.remove(name)


def _take(place: Place, name: str, who: str, wait: float, busy: Callable[[str], str], dead: float) -> None:
    started = last_change = time.monotonic()
    seen: bytes | None = None
    while not place.create(name, f"{who}\n0\n".encode()):
        content, now = place.read(name), time.monotonic()
        if content != seen:
            if seen is not None and _line(content) == _line(seen) and now - started > wait:
                raise Busy(busy(_line(content)))  # it is alive
            seen, last_change = content, now
        elif content is not None and now - last_change > dead:
            if place.read(name) == content:
                place.remove(name)
            continue
        time.sleep(_LOOK)


def _line(content: bytes | None) -> str:
    return (content or b"").decode(errors="replace").partition("\n")[0]
