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
_AT_ONCE = getattr(socket, "MSG_DONTWAIT", 0)  # there is nearly always room for a message: not asked for beforehand

Message = tuple[dict[str, Any], bytes]


class ChannelClosed(Exception):
    """The process at the other end is gone, or has closed its end."""


class ChannelTimeout(Exception):
    """No whole message came before the deadline."""


class ChannelBroken(Exception):
    """What came is no message: somebody else writes into the channel."""


class Channel:
    """One end of a pair of connected sockets. ``shared``: another process may go on with this end between messages,
    so nothing behind a message is read with it."""

    def __init__(self, end: socket.socket, *, shared: bool = False) -> None:
        self.end, self.shared = end, shared
        self._ahead = b""

    def send(self, head: dict[str, Any], body: bytes = b"", deadline: float | None = None) -> None:
        """Send one message; ``deadline`` is a `time.monotonic` moment. Raises ChannelClosed, ChannelTimeout."""
        text = json.dumps(head, ensure_ascii=True).encode()
        data = memoryview(b"".join((len(text).to_bytes(_SIZE, "big"), len(body).to_bytes(_SIZE, "big"), text, body)))
        flags = 0 if deadline is None else _AT_ONCE
        full = not flags
        try:
            while data:
                if full:
                    self._wait(deadline, write=True)
                try:
                    data = data[self.end.send(data[: 1 << 20], flags) :]
                except BlockingIOError:
                    full = True
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

    def send_end(self, head: dict[str, Any], other: Channel) -> None:
        """Send a message without a block, and with it the end of another channel. Raises ChannelClosed."""
        text = json.dumps(head, ensure_ascii=True).encode()
        try:
            sizes = len(text).to_bytes(_SIZE, "big") + bytes(_SIZE)
            socket.send_fds(self.end, [sizes + text], [other.end.fileno()])
        except (OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error

    def close(self) -> None:
        """Close this end."""
        self.end.close()

    def _receive(self, size: int) -> bytes:
        return self.end.recv(size)

    def _read(self, size: int, deadline: float | None) -> bytes:
        """The next ``size`` bytes. What comes with them is kept for the next time: most messages come in one piece."""
        parts, missing = [self._ahead[:size]], size - len(self._ahead)
        self._ahead = self._ahead[size:]
        while missing > 0:
            self._wait(deadline)
            most = min(missing, 1 << 20)
            try:
                part = self._receive(most if self.shared else max(_PIECE, most))
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


class TakingChannel(Channel):
    """A channel to somebody trusted who may send ends of others: ``taken`` is the last one."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(end)
        self.taken: Channel | None = None

    def _receive(self, size: int) -> bytes:
        part, numbers, _flags, _address = socket.recv_fds(self.end, size, 1)
        for number in numbers:
            self.taken = Channel(socket.socket(fileno=number), shared=True)
        return part


def pair() -> tuple[Channel, Channel]:
    """Two connected ends."""
    one, other = socket.socketpair()
    return Channel(one), Channel(other)
