"""Messages between a grading worker and the two processes that it starts for a notebook.

A message is a small JSON object and a block of bytes. The reader never trusts the writer: a message may be cut
off, too long, endless or no message at all, and reading always ends by a deadline.
"""

from __future__ import annotations

import json
import select
import socket
import time
from typing import Any

MAX_HEAD = 64 * 1024 * 1024
MAX_BODY = 300 * 1024 * 1024
_SIZE = 8
_PIECE = 1 << 16

Message = tuple[dict[str, Any], bytes]


class ChannelClosed(Exception):
    """The process at the other end is gone, or has closed its end."""


class ChannelTimeout(Exception):
    """No whole message came before the deadline."""


class ChannelBroken(Exception):
    """What came is no message: somebody else writes into the channel."""


class Channel:
    """One end of a pair of connected sockets."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._ahead = b""

    def send(self, head: dict[str, Any], body: bytes = b"", deadline: float | None = None) -> None:
        """Send one message; ``deadline`` is a `time.monotonic` moment. Raises ChannelClosed, ChannelTimeout."""
        text = json.dumps(head, ensure_ascii=True).encode()
        data = memoryview(b"".join((len(text).to_bytes(_SIZE, "big"), len(body).to_bytes(_SIZE, "big"), text, body)))
        try:
            while data:
                self._wait(deadline, write=True)
                data = data[self.end.send(data[: 1 << 20]) :]
        except (OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error

    def receive(self, deadline: float | None = None) -> Message:
        """The next message. Raises ChannelClosed, ChannelTimeout or ChannelBroken."""
        sizes = self._read(2 * _SIZE, deadline)
        head, body = (int.from_bytes(part, "big") for part in (sizes[:_SIZE], sizes[_SIZE:]))
        if head > MAX_HEAD or body > MAX_BODY:
            raise ChannelBroken("a message too large to be one")
        text, block = self._read(head, deadline), self._read(body, deadline)
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ChannelBroken("not a message") from error
        if not isinstance(message, dict):
            raise ChannelBroken("not a message")
        return message, block

    def close(self) -> None:
        """Close this end."""
        self.end.close()

    def _read(self, size: int, deadline: float | None) -> bytes:
        """The next ``size`` bytes. What comes with them is kept for the next time: most messages come in one piece."""
        parts, missing = [self._ahead[:size]], size - len(self._ahead)
        self._ahead = self._ahead[size:]
        while missing > 0:
            self._wait(deadline)
            try:
                part = self.end.recv(max(_PIECE, min(missing, 1 << 20)))
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not part:
                raise ChannelClosed("closed")
            parts.append(part[:missing])
            self._ahead = part[missing:]
            missing -= len(part)
        return b"".join(parts)

    def _wait(self, deadline: float | None, write: bool = False) -> None:
        if deadline is None:
            return
        left = max(0.0, deadline - time.monotonic())
        try:
            ready = select.select([] if write else [self.end], [self.end] if write else [], [], left)
        except (OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error
        if not (ready[0] or ready[1]):
            raise ChannelTimeout


def pair() -> tuple[Channel, Channel]:
    """Two connected ends."""
    one, other = socket.socketpair()
    return Channel(one), Channel(other)
