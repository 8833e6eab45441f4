"""So many requests a client, and no more: one program in a loop must not take everybody's service away.

Requests are counted for each address in windows of fixed length, by the rules of the ``limits`` library, in the memory
of each worker process: with several workers a client who opens many connections gets up to that many times the rate.
Whoever asks too often is told so, and when to come back, before any work is done.

Behind a proxy all callers have the proxy's address: there the proxy counts, and the service is told ``off``. What a
caller says of its own address (X-Forwarded-For) is not believed, since anybody can say anything.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from course_lib.errors import UsageError

#: A class of 240 behind one address asks a few times a second each; only a program in a loop asks more often.
DEFAULT = "1000/second"
OFF = "off"
_MOST_CLIENTS = 10_000  # counted at a time; far more than can be busy in one window


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests (``amount``) in so many ``seconds``; what the library's strategies ask of a limit.

    Its own limits spell their key anew for each request, at half the cost of the whole; here is one limit only, so the
    client alone is the key.
    """

    amount: int
    seconds: int
    text: str

    def key_for(self, client: str) -> str:
        """Under which a client is counted."""
        return client

    def get_expiry(self) -> int:
        """Length of the window in seconds."""
        return self.seconds

    def __str__(self) -> str:
        return self.text


def rate(text: str) -> Rate | None:
    """``100/second``, ``5 per minute``, ``1000/10 seconds`` as a rate; ``off`` is None. Raises UsageError."""
    if text.strip().lower() == OFF:
        return None
    try:
        parsed = parse(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is no rate: 100/second, 5/minute and so on, or off.") from error
    if not parsed.amount or not parsed.get_expiry():
        raise UsageError(f"'{text}' would let nobody in: 100/second, 5/minute and so on, or off.")
    return Rate(parsed.amount, parsed.get_expiry(), str(parsed))


class Limiter:
    """Counts requests by client. ``spare_own``: this machine's own address is not counted."""

    def __init__(self, allowed: Rate, *, spare_own: bool = False) -> None:
        self.allowed, self.spare_own = allowed, spare_own
        self._counts = _Counts()
        self._window = FixedWindowRateLimiter(self._counts)

    def seconds_to_wait(self, client: str, purpose: str = "") -> int:
        """0: go ahead (and it was counted); else in how many whole seconds this client may ask again.

        ``client`` is an address with its port, as servers name them: ``10.0.0.7:51324``, ``[2001:db8::1]:51324``. What
        it asks for another ``purpose`` is counted apart.
        """
        address = client.rpartition(":")[0]
        if self.spare_own and address in ("127.0.0.1", "[::1]", "::1"):
            return 0
        if ":" in address:
            address = _network(address)
        address += purpose
        if self._window.hit(self.allowed, address):
            return 0
        ends = self._counts.get_expiry(address)
        return max(math.ceil(ends - time.time()), 1)


def _network(address: str) -> str:
    """The first half of an IPv6 address: whoever has one, has 2⁶⁴ of them."""
    from ipaddress import IPv6Address

    try:
        parsed = IPv6Address(address.strip("[]").partition("%")[0])
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or f"{int(parsed) >> 64:016x}::/64")


class _Counts(Storage):
    """The library's place for counts, without its lock and its thread for each count: an event loop needs neither."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}  # in the order of their windows' ends

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing fails here."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; the window begins with a key's first request and lasts ``expiry`` seconds."""
        now = time.time()
        found = self._counts.get(key)
        if found is None or found[1] <= now:
            self._counts.pop(key, None)
            if len(self._counts) >= _MOST_CLIENTS:
                self._make_room(now)
            self._counts[key] = amount, now + expiry
            return amount
        self._counts[key] = found[0] + amount, found[1]
        return found[0] + amount

    def get(self, key: str) -> int:
        """How often this window."""
        count, ends = self._counts.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When this window ends (seconds since 1970)."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """It works as long as there is memory."""
        return True

    def reset(self) -> int | None:
        """Forget all; how many there were."""
        known = len(self._counts)
        self._counts.clear()
        return known

    def clear(self, key: str) -> None:
        """Forget one."""
        self._counts.pop(key, None)

    def _make_room(self, now: float) -> None:
        """Forget windows that are over, and at least the oldest."""
        for key in list(self._counts):
            if self._counts[key][1] > now and len(self._counts) < _MOST_CLIENTS:
                break
            del self._counts[key]
