"""What a kernel may send to its client: not too much, and nothing that is no message.

It holds on the client's side, because a submission can say on its connection whatever it likes: ipykernel runs in
the submission's own process.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import zmq

_ENVELOPE = 2**16  # headers and signatures aside
_numbers = itertools.count()
_NO_MESSAGE = {  # belongs to no request, so clients pass over it
    "header": {"msg_type": "unreadable"}, "msg_type": "unreadable", "msg_id": "", "parent_header": {}, "metadata": {},
    "content": {}, "buffers": [],
}  # fmt: skip


class Meter:
    """Counts what comes from one kernel. ``stop`` is called once, with the reason:

    ``output_bytes`` when it is more than ``limit``. A single message that is larger than that is not even received:
    ZeroMQ closes the connection, which ``look`` notices. ``messages`` when something can't be read as a message.
    """

    def __init__(self, limit: int, stop: Callable[[str], None]) -> None:
        self.limit, self.received, self._stop, self._stopped = limit, 0, stop, False
        self._monitors: list[tuple[zmq.Socket, zmq.Socket]] = []

    def restart(self, limit: int) -> None:
        """Begin anew, for the next kernel of the same clients."""
        self.look_away()
        self.limit, self.received, self._stopped = limit, 0, False

    def add(self, size: int) -> None:
        self.received += size
        if self.received > self.limit:
            self.call("output_bytes")

    def watch(self, socket: Any) -> None:
        plain = zmq.Socket.shadow(socket.underlying)
        address = f"inproc://meter-{id(self)}-{next(_numbers)}"
        plain.monitor(address, zmq.EVENT_DISCONNECTED)
        monitor = zmq.Context.shadow(socket.context.underlying).socket(zmq.PAIR)
        monitor.connect(address)
        self._monitors.append((plain, monitor))

    def look(self) -> None:
        """Notice a connection that was closed because of a message too large. Clients look while they wait."""
        with contextlib.suppress(zmq.ZMQError):
            if any(monitor.poll(0) for _, monitor in self._monitors):
                self.call("output_bytes")

    def look_away(self) -> None:
        """Closed connections mean nothing any more: the client lets go of the kernel."""
        for socket, monitor in self._monitors:
            with contextlib.suppress(zmq.ZMQError):
                socket.monitor(None, 0)
            monitor.close(linger=0)
        self._monitors.clear()

    def call(self, reason: str) -> None:
        if not self._stopped:
            self._stopped = True
            self._stop(reason)


def metered(manager: Any, meter: Meter) -> None:
    """Let ``manager.client()`` make clients whose messages ``meter`` counts."""
    plain = getattr(manager.client_factory, "unmetered", manager.client_factory)

    class MeteredClient(plain):
        """A kernel client that counts what it receives."""

        unmetered = plain

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            # Every message of every channel comes through here, before it is taken apart.
            take_apart, read = self.session.feed_identities, self.session.deserialize

            def count(parts: list, copy: bool = True) -> Any:
                meter.add(sum(len(part) for part in parts))
                return take_apart(parts, copy)

            def read_or_pass_over(parts: list, content: bool = True, copy: bool = True) -> dict:
                try:
                    return read(parts, content, copy)
                except Exception:  # whatever a wrong signature, wrong JSON or a million brackets can cause
                    meter.call("messages")
                    return {**_NO_MESSAGE}

            self.session.feed_identities = count
            self.session.deserialize = read_or_pass_over

        def start_channels(self, *args: Any, **kwargs: Any) -> Any:
            # Counts only for sockets made afterwards, so it is made the default for all, the heartbeat's included.
            self.context.maxmsgsize = meter.limit + _ENVELOPE
            return super().start_channels(*args, **kwargs)

        def _create_connected_socket(self, channel: str, identity: bytes | None = None) -> Any:
            socket = super()._create_connected_socket(channel, identity)
            meter.watch(socket)
            return socket

        def stop_channels(self) -> Any:
            meter.look_away()
            return super().stop_channels()

    manager.client_factory = MeteredClient
